-- Move deferred receipts into the late stream and read them as one worker's in the same step. A
-- worker that dies leaves them in the stream's pending list.
--
-- KEYS: the deferred set, the late stream. ARGV: group, worker, how many of the oldest, and the
-- ids of the newest.

local count = 0
local function out(name)
  redis.call('XADD', KEYS[2], '*', 'id', name)
  count = count + 1
end

for i = 4, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then out(ARGV[i]) end
end
local oldest = redis.call('ZPOPMIN', KEYS[1], ARGV[3])
for i = 1, #oldest, 2 do out(oldest[i]) end
if count == 0 then return {} end
local found = redis.call(
  'XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', count, 'STREAMS', KEYS[2], '>')
return found[1][2]
