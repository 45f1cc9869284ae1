-- Gives up a ticket, whatever became of it: the lock that it holds is handed to the next, and its place in the queue is
-- removed. Repeating it is safe. It also starts the next one where the lock has expired, so repeating it after a
-- hand-over that nobody claimed moves the queue on.
--
-- KEYS    as in steps.lua, which calls this function; it has named the three of this step
-- ARGV    as in steps.lua, which hands over those of this step:
--         ticket  the ticket to give up
--         again   a new ticket of the same process to queue, where more of its callers wait; or nil
--         tokens  how many fencing tokens the new ticket wants
-- Returns 1 where the ticket held the lock, which is free now, and nobody was skipped; else
--         {skipped, s, …, mine}, mine being 1 where the ticket held the lock, else 0, and s, … being
--         0: the lock is free | 1, first fencing token: the new ticket has it |
--         2, ticket of the holder, its remaining time or -1 for ever, tickets before the new one in the queue, the
--            server's clock
local function release(ticket, again, tokens)
  local holder = redis.call('GET', lock_key)
  local mine = holder == ticket and 1 or 0

  if mine == 0 then redis.call('LREM', queue_key, 0, ticket) end
  -- A full memory refuses to queue; the lock must come free nevertheless.
  if again and not pcall(enqueue, again) then again = nil end

  local skipped = 0
  if mine == 1 or not holder then
    holder, skipped = hand_over(again)
    if not holder then
      redis.call('DEL', lock_key)
      if mine == 1 and skipped == 0 then return 1 end
      return { skipped, 0, mine }
    end
    if holder == again then
      redis.call('SET', lock_key, again, 'PX', TTL_MS)
      return { skipped, 1, mint(tokens), mine }
    end
  end
  local ahead = redis.call('LLEN', queue_key) - 1
  return { skipped, 2, holder, redis.call('PTTL', lock_key), ahead, clock(), mine }
end
