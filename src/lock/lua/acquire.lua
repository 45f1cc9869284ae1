-- Takes the lock if it is free and nobody queued before us, else queues our ticket. Asking again with the same ticket
-- is always safe: it confirms what was handed to it, repeats an answer that got lost, or keeps its place in the queue.
--
-- KEYS    as in steps.lua, which calls this function; it has named the three of this step
-- ARGV    as in steps.lua, which hands over those of this step:
--         ticket  our ticket
--         tokens  how many fencing tokens we want, one for each local waiter who may have the lock under this ticket
--         queued  whether to be queued, or only to try
-- Returns the first fencing token where the lock is ours and nobody was skipped;
--         {skipped, 1, first fencing token} where it is ours;
--         {skipped, 2, ticket of the holder, its remaining time or -1 for ever, tickets before ours in the queue,
--          the server's clock}
local function acquire(ticket, tokens, queued)
  local skipped = 0
  local holder = redis.call('SET', lock_key, ticket, 'NX', 'GET', 'PX', TTL_MS)
  if not holder then
    -- It was free: released with nobody waiting, or expired. In the latter case others may be in front of us.
    local first
    first, skipped = hand_over(ticket)
    if not first or first == ticket then
      if skipped == 0 then return mint(tokens) end
      return { skipped, 1, mint(tokens) }
    end
    holder = first
  elseif holder == ticket then
    redis.call('PEXPIRE', lock_key, TTL_MS)
    return mint(tokens)
  end

  local position
  if queued then
    position = redis.call('LPOS', queue_key, ticket)
    if position then
      redis.call('PEXPIRE', queue_key, TTL_MS + QUEUE_GRACE_MS)
    else
      position = enqueue(ticket)
    end
  else
    position = redis.call('LLEN', queue_key)
  end
  return { skipped, 2, holder, redis.call('PTTL', lock_key), position, clock() }
end
