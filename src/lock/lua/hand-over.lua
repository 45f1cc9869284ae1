-- Put in front of acquire.lua and release.lua: how a free lock finds its next holder, and what number that one gets.
--
-- The queue has tickets, `<process>:<number>`, each process at most once. Handing over means that the lock gets the
-- ticket as its value and the process a message, with which it has the lock. A ticket whose inbox nobody listens on
-- belongs to a process that is gone, so it is skipped in the same call. A listener may still be a stopped process: the
-- lock is set for the short claim time only, until the process renews it, or asks again, and so shows that it is awake.
--
-- KEYS    as in steps.lua, which names the three of the step that is being carried out
-- ARGV    as in steps.lua; the settings that never change stand in front of this text, as strings:
--         TTL_MS          time to live of a lock
--         CLAIM_TTL_MS    time to live of a lock that is handed over, until it is claimed
--         CLAIM_TOKENS    how many fencing tokens are handed over with it
--         COUNTER_TTL_MS  time to live of the fencing counter
-- Returns nothing of its own

local QUEUE_GRACE_MS = 60000

-- The keys of the step that is being carried out, set by steps.lua.
local lock_key  -- a string, the ticket of the process that has the lock
local queue_key -- a list of tickets
local fence_key -- a string, the last fencing token given out

-- Adds a ticket to the queue. The waiters ask again within a TTL, so a queue that is not touched for longer is litter.
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
    -- Joined rather than computed: making text of a large double costs as much as a command.
    now_us = time[1] .. string.sub('00000' .. time[2], -6)
  end
  return now_us
end

-- Reserves so many fencing tokens and returns the first, as a string. The server's clock is the floor, so that tokens
-- grow although Redis has lost its data; the counter remembers the last one, so that they grow although the clock was
-- set back. Both are exact in a double.
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

-- The next ticket from the queue, for which the lock is set, or false where nobody is left. The own ticket ends the
-- search, too, but is left to the caller. Also returns how many were skipped.
local function hand_over(own)
  local skipped = 0
  while true do
    -- A script is not rolled back: a queue that is none, or a channel that is denied, must not leave the lock stuck.
    local ticket = redis.pcall('LPOP', queue_key)
    if type(ticket) ~= 'string' then return false, skipped end
    if ticket == own then return ticket, skipped end
    local inbox = 'lock:inbox:' .. (string.match(ticket, '^(.*):') or '')
    local message = ticket .. ' ' .. clock() .. ' ' .. mint(CLAIM_TOKENS) .. ' ' .. lock_key
    local heard = redis.pcall('PUBLISH', inbox, message)
    if type(heard) == 'number' and heard > 0 then
      redis.call('SET', lock_key, ticket, 'PX', CLAIM_TTL_MS)
      return ticket, skipped
    end
    skipped = skipped + 1
  end
end
