-- Prolongs many locks at once, each only if it is still held by its ticket.
--
-- KEYS    the locks
-- ARGV[i] the ticket of KEYS[i]; the setting TTL_MS stands in front of this text
-- Returns for each lock 1 where it was prolonged, 0 where it is not the ticket's any more

local renewed = {}
for i, key in ipairs(KEYS) do
  -- A key that has become something else than a string is not ours any more, either.
  local holder = redis.pcall('GET', key)
  if holder == ARGV[i] then
    renewed[i] = redis.call('PEXPIRE', key, TTL_MS)
  else
    renewed[i] = 0
  end
end
return renewed
