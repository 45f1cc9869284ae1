-- Precedes acquire.lua and release.lua: how a free lock finds its next holder, and which fencing tokens that one gets.
--
-- The queue holds tickets, `<process>:<number>`, at most one of each process. A hand-over writes a ticket into the lock
-- and publishes to the inbox of its process, which holds the lock from then on. PUBLISH returns the number of
-- subscribers: a ticket without one belongs to a dead process and is skipped in the same call. A subscriber may be a
-- paused process, so the lock expires after the short claim time unless the process renews or acquires it.
--
-- | lock         | value  | expires after | next                                                            |
-- | ------------ | ------ | ------------- | --------------------------------------------------------------- |
-- | free         | none   |               | acquire: held, if the queue is empty; else handed over          |
-- | handed over  | ticket | CLAIM_TTL_MS  | renew or acquire by the ticket: held; expiry: free              |
-- | held         | ticket | TTL_MS        | release: handed over, or free when no ticket listens; expiry: free |
--
-- An owner is a process that keeps a lock while it has no use for it: its tickets are `<process>:o<number>`. A ticket
-- that queues behind an owner's tells the owner so. An owner that does not listen is taken for a dead process: the lock
-- goes on as if it were free. So an owner that has only lost its subscription loses the lock, too, and finds that out
-- when it renews or releases it.
--
-- Invariants, each with a test of test/integration/lock/scripts.test.ts that shows it:
-- 1. A lock goes to the first ticket that listens ("a release hands over to the first process that listens, with
--    its tokens, for the claim time").
-- 2. Each step compares tickets, so it changes no lock of another ticket ("giving up a ticket that does not hold
--    the lock takes nothing from the holder").
-- 3. A ticket is queued once and keeps its place ("a ticket is queued once, keeps its place, and is told its
--    position").
-- 4. A later grant of a lock has larger tokens ("acquiring again with the same ticket returns the lock and a
--    larger token").
-- 5. A ticket that may own is not queued behind an owner ("a ticket that may own is told the owner, and is not queued").
-- 6. An owner hears of each ticket that queues behind it, or loses the lock ("an owner that does not listen loses the
--    lock to the first ticket that queues").
--
-- KEYS    none of its own: steps.lua sets the three keys of the step
-- ARGV    none of its own; the service's settings precede this text as strings:
--         TTL_MS          time to live of a lock
--         CLAIM_TTL_MS    time to live of a lock that is handed over, until it is claimed
--         CLAIM_TOKENS    how many fencing tokens are handed over with it
--         COUNTER_TTL_MS  time to live of the fencing counter
--         HASH_TAG        at a Redis Cluster the hash tag of all keys and channels, as in `{556}:`; else nothing
-- Returns nothing of its own

local QUEUE_GRACE_MS = 60000

-- The keys of the current step, set by steps.lua.
local lock_key  -- a string, the ticket that holds the lock
local queue_key -- a list of tickets
local fence_key -- a string, the last fencing token given out

local PUBLISH = HASH_TAG == '' and 'PUBLISH' or 'SPUBLISH'

-- Adds a ticket to the queue. Waiters acquire again within a TTL, so an older queue is abandoned and may expire.
local function enqueue(ticket)
  local length = redis.call('RPUSH', queue_key, ticket)
  redis.call('PEXPIRE', queue_key, TTL_MS + QUEUE_GRACE_MS)
  return length - 1
end

-- The server's clock in microseconds, as a string; read once for all steps.
local now_us
local function clock()
  if not now_us then
    local time = redis.call('TIME')
    -- Joined rather than computed: formatting a large double costs as much as a command.
    now_us = time[1] .. string.sub('00000' .. time[2], -6)
  end
  return now_us
end

-- Reserves `count` fencing tokens and returns the first, as a string. The server's clock is the floor, so tokens grow
-- although Redis has lost its data; the counter keeps the last one, so they grow although the clock was set back. Both
-- are exact in a double.
local function mint(count)
  local first = clock()
  local last = first
  if count ~= '1' then last = string.format('%.0f', first + count - 1) end
  local before = redis.call('SET', fence_key, last, 'PX', COUNTER_TTL_MS, 'GET')
  before = before and tonumber(before) or 0
  if before >= tonumber(first) then
    first = string.format('%.0f', before + 1)
    redis.call('SET', fence_key, string.format('%.0f', before + count), 'PX', COUNTER_TTL_MS)
  end
  return first
end

-- A cluster passes messages on to the replicas, and a process may listen there still that a failover has left behind.
-- So its channels are named after the node, too: what another node publishes is not heard there.
local node_id
local function inbox_of(ticket)
  local inbox = 'lock:inbox:' .. HASH_TAG .. (string.match(ticket, '^(.*):') or '')
  if HASH_TAG == '' then return inbox end
  local id = node_id or redis.pcall('CLUSTER', 'MYID')
  if type(id) ~= 'string' then return inbox end -- Denied; nothing listens there, so the ticket is skipped.
  node_id = id
  return inbox .. ':' .. id
end

-- Whether a process listens that has this ticket; it gets the message.
local function tell(ticket, message)
  -- Not replicated: a subscriber that a failover has left at a replica is not counted here.
  local inbox = inbox_of(ticket)
  redis.set_repl(redis.REPL_NONE)
  local heard = redis.pcall(PUBLISH, inbox, message)
  redis.set_repl(redis.REPL_ALL)
  return type(heard) == 'number' and heard > 0
end

local function is_owner(ticket)
  return string.find(ticket, ':o%d+$') ~= nil
end

-- Hands the lock to the next ticket of the queue and returns it, or false when the queue is empty. For `own` the caller
-- writes the lock itself. Also returns how many tickets were skipped.
local function hand_over(own)
  local skipped = 0
  while true do
    -- Redis does not roll back a script: neither a key of another type nor a denied channel may leave the lock held.
    local ticket = redis.pcall('LPOP', queue_key)
    if type(ticket) ~= 'string' then return false, skipped end
    if ticket == own then return ticket, skipped end
    local message = ticket .. ' ' .. clock() .. ' ' .. mint(CLAIM_TOKENS) .. ' ' .. lock_key
    if tell(ticket, message) then
      redis.call('SET', lock_key, ticket, 'PX', CLAIM_TTL_MS)
      return ticket, skipped
    end
    skipped = skipped + 1
  end
end
