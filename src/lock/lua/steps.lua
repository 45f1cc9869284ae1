-- Put behind acquire.lua and release.lua: carries out a list of steps, each on one lock, in their order. What one
-- process wants within one turn of its event loop costs one command, however many locks it concerns.
--
-- KEYS    the lock of each step; its queue and its fencing counter are named after it, as in hand-over.lua
-- ARGV    for each step what is to be done, and what that needs:
--         `queue` or `try`, ticket, how many fencing tokens  to acquire
--         `release`, ticket                                  to give up
--         `requeue`, ticket, tokens, the new ticket          to give up and queue again
-- Returns for each step what its function returns, or the error that ended it. The other steps are carried out.

local function carry_out(kind, ticket, tokens, again)
  if kind == 'release' or kind == 'requeue' then return release(ticket, again, tokens) end
  return acquire(ticket, tokens, kind == 'queue')
end

local ARGUMENTS = { queue = 3, try = 3, release = 2, requeue = 4 }

local answers = {}
local at = 1
for step, key in ipairs(KEYS) do
  lock_key, queue_key, fence_key = key, key .. ':queue', key .. ':fence'
  local kind = ARGV[at]
  local given = ARGUMENTS[kind]
  local tokens = given > 2 and ARGV[at + 2] or nil
  local again = given > 3 and ARGV[at + 3] or nil
  local succeeded, answer = pcall(carry_out, kind, ARGV[at + 1], tokens, again)
  if not succeeded and type(answer) ~= 'table' then answer = redis.error_reply(tostring(answer)) end
  answers[step] = answer
  at = at + given
end
return answers
