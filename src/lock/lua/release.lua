-- Gives up a ticket in any state: hands on the lock that it holds, removes it from the queue. Repeating it is safe. It
-- also hands over an expired lock, so repeating it after an unclaimed hand-over serves the next ticket.
--
-- KEYS    none of its own: steps.lua sets the three keys of the step
-- ARGV    none of its own: steps.lua passes those of the step:
--         ticket  the ticket to give up
--         again   a new ticket of the same process to queue, if more of its callers wait; or nil
--         tokens  how many fencing tokens to reserve for the new ticket
-- Returns 1 when the ticket held the lock, which is free now, and no process was skipped; else
--         {skipped, s, …, mine}: mine is 1 when the ticket held the lock, else 0, and s, … is one of
--         0: the lock is free | 1, first fencing token: the new ticket holds it |
--         2, ticket of the holder, its remaining time or -1 for no expiry, tickets ahead of the new one in the queue,
--            the server's clock
local function release(ticket, again, tokens)
  local holder = redis.call('GET', lock_key)
  local mine = holder == ticket and 1 or 0

  if mine == 0 then redis.call('LREM', queue_key, 0, ticket) end
  -- Redis refuses to queue when its memory is full; the lock must be released nevertheless.
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
