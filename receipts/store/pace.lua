-- Send slots of one rate limit, shared by all workers. The key holds the next free slot, in
-- microseconds of the server's clock.
--
-- ARGV: microseconds between slots, slots wanted, microseconds that slots are given out ahead.
-- Returns the time of the first slot, how many there are, and the time now.

local interval, wanted, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local free = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
-- A failed primary may have had a clock ahead of ours: wait a minute for it at most.
free = math.min(free, now + 60000000)
local room = math.floor((now + ahead - free) / interval) + 1
local given = math.max(0, math.min(wanted, room))
if given > 0 then
  local after = free + given * interval
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX',
    string.format('%.0f', (after - now) / 1000 + 1000))
end
return { free, given, now }
