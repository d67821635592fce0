-- The oldest receipts that wait for a line, out of the set and into one worker's hands at once:
-- whatever becomes of the worker, they are in the late stream's list of what is being worked on.
--
-- KEYS: the waiting set, the late stream. ARGV: group, worker, how many.

local popped = redis.call('ZPOPMIN', KEYS[1], ARGV[3])
for i = 1, #popped, 2 do
  redis.call('XADD', KEYS[2], '*', 'id', popped[i])
end
if #popped == 0 then return {} end
local found = redis.call(
  'XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', #popped / 2, 'STREAMS', KEYS[2], '>')
return found[1][2]
