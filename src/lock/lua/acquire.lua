-- Takes the lock if it is free and nobody queued before us, else queues our ticket. Asking again with the same ticket
-- is always safe: it confirms what was handed to it, repeats an answer that got lost, or keeps its place in the queue.
--
-- KEYS    as in hand-over.lua
-- ARGV[1] our ticket
-- ARGV[2] how many fencing tokens we want, one for each local waiter who may have the lock under this ticket
-- ARGV[3] 1 to be queued, 0 only to try
-- Returns the first fencing token where the lock is ours and nobody was skipped;
--         {skipped, 1, first fencing token} where it is ours;
--         {skipped, 2, ticket of the holder, its remaining time or -1 for ever, tickets before ours in the queue}

local ticket = ARGV[1]
local skipped = 0

local holder = redis.call('SET', KEYS[1], ticket, 'NX', 'GET', 'PX', TTL_MS)
if not holder then
  -- It was free: released with nobody waiting, or expired. In the latter case others may be in front of us.
  local first
  first, skipped = hand_over(ticket)
  if not first or first == ticket then
    if skipped == 0 then return mint(ARGV[2]) end
    return { skipped, 1, mint(ARGV[2]) }
  end
  holder = first
elseif holder == ticket then
  redis.call('PEXPIRE', KEYS[1], TTL_MS)
  return mint(ARGV[2])
end

local position
if ARGV[3] == '1' then
  position = redis.call('LPOS', KEYS[2], ticket)
  if position then
    redis.call('PEXPIRE', KEYS[2], TTL_MS + QUEUE_GRACE_MS)
  else
    position = enqueue(ticket)
  end
else
  position = redis.call('LLEN', KEYS[2])
end
return { skipped, 2, holder, redis.call('PTTL', KEYS[1]), position }
