-- Takes the lock if it is free and nobody queued before us, else queues our ticket. Asking again with the same ticket
-- is always safe: it confirms what was handed to it, repeats an answer that got lost, or keeps its place in the queue.
--
-- KEYS    as in hand-over.lua
-- ARGV[1] our ticket
-- ARGV[2] time to live of the lock, ms
-- ARGV[3] how many fencing tokens we want, one for each local waiter who may have the lock under this ticket
-- ARGV[4] 1 to be queued, 0 only to try
-- ARGV[5] time to live of a lock that is handed over until it is claimed, ms
-- ARGV[6] time to live of the fencing counter, ms
-- Returns {skipped, 1, first fencing token} where the lock is ours, else
--         {skipped, 2, ticket of the holder, its remaining time or -1 for ever, tickets before ours in the queue}

local ticket, ttl_ms = ARGV[1], ARGV[2]
local skipped = 0

local holder = redis.call('SET', KEYS[1], ticket, 'NX', 'GET', 'PX', ttl_ms)
if not holder then
  -- It was free: released with nobody waiting, or expired. In the latter case others may be in front of us.
  local first
  first, skipped = hand_over(ticket, ARGV[5])
  if not first or first == ticket then return { skipped, 1, mint(ARGV[3], ARGV[6]) } end
  holder = first
elseif holder == ticket then
  redis.call('PEXPIRE', KEYS[1], ttl_ms)
  return { skipped, 1, mint(ARGV[3], ARGV[6]) }
end

local position
if ARGV[4] == '1' then
  position = redis.call('LPOS', KEYS[2], ticket)
  if position then
    redis.call('PEXPIRE', KEYS[2], ttl_ms + QUEUE_GRACE_MS)
  else
    position = enqueue(ticket, ttl_ms)
  end
else
  position = redis.call('LLEN', KEYS[2])
end
return { skipped, 2, holder, redis.call('PTTL', KEYS[1]), position }
