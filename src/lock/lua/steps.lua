-- Follows acquire.lua and release.lua: carries out a list of steps, each on one lock, in order. All steps of one turn
-- of a process's event loop are one command.
--
-- KEYS    the lock of each step; its queue and its fencing counter are named after it, as in hand-over.lua
-- ARGV    for each step its kind and arguments:
--         `queue`, `own` or `try`, ticket, how many fencing tokens
--                                                            acquire; acquire.lua tells when the ticket is queued
--         `release`, ticket                                  give up the ticket
--         `requeue`, ticket, tokens, the new ticket          give up the ticket and queue the new one
--         `tell`, ticket, text                               sends `mail <text>` to the inbox of the ticket's process
-- Returns for each step the result of its function, or the error that ended it; for `tell` 1 where a process listens,
--         else 0. An error does not end the other steps.

local function carry_out(kind, ticket, tokens, again)
  if kind == 'tell' then return tell(ticket, 'mail ' .. tokens) and 1 or 0 end
  if kind == 'release' or kind == 'requeue' then return release(ticket, again, tokens) end
  return acquire(ticket, tokens, kind)
end

local ARGUMENTS = { queue = 3, own = 3, try = 3, release = 2, requeue = 4, tell = 3 }

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
