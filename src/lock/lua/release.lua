-- Gives up a ticket, whatever became of it: the lock that it holds is handed to the next, and its place in the queue is
-- removed. Repeating it is safe. It also starts the next one where the lock has expired, so repeating it after a
-- hand-over that nobody claimed moves the queue on.
--
-- KEYS    as in hand-over.lua
-- ARGV[1] the ticket to give up
-- ARGV[2] a new ticket of the same process to queue, where more of its callers wait; may be left out
-- ARGV[3] how many fencing tokens the new ticket wants
-- Returns 1 where the ticket held the lock, which is free now, and nobody was skipped; else
--         {skipped, s, …, mine}, mine being 1 where the ticket held the lock, else 0, and s, … being
--         0: the lock is free | 1, first fencing token: the new ticket has it |
--         2, ticket of the holder, its remaining time or -1 for ever, tickets before the new one in the queue

local ticket, again = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[1])
local mine = holder == ticket and 1 or 0

if mine == 0 then redis.call('LREM', KEYS[2], 0, ticket) end
-- A full memory refuses to queue; the lock must come free nevertheless.
if again and not pcall(enqueue, again) then again = nil end

local skipped = 0
if mine == 1 or not holder then
  holder, skipped = hand_over(again)
  if not holder then
    redis.call('DEL', KEYS[1])
    if mine == 1 and skipped == 0 then return 1 end
    return { skipped, 0, mine }
  end
  if holder == again then
    redis.call('SET', KEYS[1], again, 'PX', TTL_MS)
    return { skipped, 1, mint(ARGV[3]), mine }
  end
end
return { skipped, 2, holder, redis.call('PTTL', KEYS[1]), redis.call('LLEN', KEYS[2]) - 1, mine }
