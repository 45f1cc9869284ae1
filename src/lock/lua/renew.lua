-- Extends many locks at once, each only if its ticket still holds it.
--
-- KEYS    the locks
-- ARGV[i] the ticket of KEYS[i]; the setting TTL_MS precedes this text
-- Returns for each lock 1 when it was extended, 2 when it was and tickets are queued, 0 when its ticket no longer holds
--         it

local renewed = {}
for i, key in ipairs(KEYS) do
  -- A key of another type is not held by its ticket, either.
  local holder = redis.pcall('GET', key)
  if holder == ARGV[i] then
    redis.call('PEXPIRE', key, TTL_MS)
    local queued = redis.pcall('LLEN', key .. ':queue')
    renewed[i] = type(queued) == 'number' and queued > 0 and 2 or 1
  else
    renewed[i] = 0
  end
end
return renewed
