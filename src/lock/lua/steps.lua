-- Put behind acquire.lua and release.lua: carries out a list of steps, each on one lock, in their order. What one
-- process wants within one turn of its event loop costs one command, however many locks it concerns.
--
-- KEYS    three for each step: the lock, its queue, its fencing counter; as in hand-over.lua
-- ARGV    four for each step: `queue` or `try` to acquire, `release` to give up; the ticket; how many fencing tokens;
--         and, to release, the new ticket, which may be empty
-- Returns for each step what its function returns, or the error that ended it. The other steps are carried out.

local function carry_out(kind, ticket, tokens, again)
  if kind == 'release' then return release(ticket, again ~= '' and again or nil, tokens) end
  return acquire(ticket, tokens, kind == 'queue')
end

local answers = {}
for step = 1, #KEYS / 3 do
  lock_key, queue_key, fence_key = KEYS[3 * step - 2], KEYS[3 * step - 1], KEYS[3 * step]
  local at = 4 * step
  local succeeded, answer = pcall(carry_out, ARGV[at - 3], ARGV[at - 2], ARGV[at - 1], ARGV[at])
  if not succeeded and type(answer) ~= 'table' then answer = redis.error_reply(tostring(answer)) end
  answers[step] = answer
end
return answers
