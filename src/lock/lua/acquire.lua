-- Acquires the lock if it is free and its queue is empty, else queues the ticket. Repeating it with the same ticket is
-- safe: it claims a hand-over, repeats a lost answer, or keeps the place in the queue.
--
-- KEYS    none of its own: steps.lua sets the three keys of the step
-- ARGV    none of its own: steps.lua passes those of the step:
--         ticket  the ticket
--         tokens  how many fencing tokens to reserve, one for each local waiter that may hold the lock under it
--         kind    what happens where the lock is not free: `queue` queues the ticket, `try` does not, `own` does unless
--                 an owner holds the lock
-- Returns the first fencing token when the ticket holds the lock and no process was skipped;
--         {skipped, 1, first fencing token} when it holds the lock;
--         {skipped, 2, ticket of the holder, its remaining time or -1 for no expiry, tickets ahead in the queue,
--          the server's clock}
local function acquire(ticket, tokens, kind)
  local skipped = 0
  local holder = redis.call('SET', lock_key, ticket, 'NX', 'GET', 'PX', TTL_MS)
  local deserted = holder and holder ~= ticket and kind ~= 'own' and is_owner(holder)
    and not tell(holder, 'wanted ' .. lock_key)
  if not holder or deserted then
    -- It was free: released without waiters, or expired. An expired lock may have a queue.
    local first
    first, skipped = hand_over(ticket)
    if not first or first == ticket then
      if deserted then redis.call('SET', lock_key, ticket, 'PX', TTL_MS) end
      if skipped == 0 then return mint(tokens) end
      return { skipped, 1, mint(tokens) }
    end
    holder = first
  elseif holder == ticket then
    redis.call('PEXPIRE', lock_key, TTL_MS)
    return mint(tokens)
  end

  local position
  if kind == 'queue' or (kind == 'own' and not is_owner(holder)) then
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
