-- Put in front of acquire.lua and release.lua: how a free lock finds its next holder, and what number that one gets.
--
-- The queue has tickets, `<process>:<number>`, each process at most once. Handing over means that the lock gets the
-- ticket as its value and the process a message. A ticket whose inbox nobody listens on belongs to a process that is
-- gone, so it is skipped in the same call. A listener may still be a stopped process: the lock is set for the short
-- claim time only, until the process asks again and so confirms that it is awake.
--
-- KEYS[1] the lock: a string, the ticket of the process that has it
-- KEYS[2] the lock's queue: a list of tickets
-- KEYS[3] the lock's fencing counter: the last token given out
-- ARGV    as the script below says
-- Returns nothing of its own

local QUEUE_GRACE_MS = 60000

-- The next ticket from the queue, for which the lock is set, or false where nobody is left. The own ticket ends the
-- search, too, but is left to the caller. Also returns how many were skipped.
local function hand_over(own, claim_ttl_ms)
  local skipped = 0
  while true do
    local ticket = redis.call('LPOP', KEYS[2])
    if not ticket or ticket == own then return ticket, skipped end
    local inbox = 'lock:inbox:' .. (string.match(ticket, '^(.*):') or '')
    -- Whatever fails from here on must leave the lock free rather than stuck: a script is not rolled back.
    local heard = redis.pcall('PUBLISH', inbox, ticket .. ' ' .. KEYS[1])
    if type(heard) == 'number' and heard > 0 then
      local set = redis.pcall('SET', KEYS[1], ticket, 'PX', claim_ttl_ms)
      if set.err then return false, skipped end
      return ticket, skipped
    end
    skipped = skipped + 1
  end
end

-- Adds a ticket to the queue. The waiters ask again within a TTL, so a queue that is not touched for longer is litter.
local function enqueue(ticket, ttl_ms)
  local length = redis.call('RPUSH', KEYS[2], ticket)
  redis.call('PEXPIRE', KEYS[2], ttl_ms + QUEUE_GRACE_MS)
  return length - 1
end

-- Reserves `count` fencing tokens and returns the first, as a string. The server's clock in microseconds is the floor,
-- so that tokens grow although Redis has lost its data; the counter is one, so that they grow although the clock was
-- set back. Both are exact in a double.
local function mint(count, counter_ttl_ms)
  local time = redis.call('TIME')
  local first = time[1] * 1000000 + time[2]
  local function reserve()
    return redis.call('SET', KEYS[3], string.format('%.0f', first + count - 1), 'PX', counter_ttl_ms, 'GET')
  end
  local last = tonumber(reserve() or 0) or 0
  if last >= first then
    first = last + 1
    reserve()
  end
  return string.format('%.0f', first)
end
