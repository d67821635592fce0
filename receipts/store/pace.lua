-- Places in the queue of one line, shared by all workers: each text has a moment of its own.
-- The key holds the next free place, in microseconds of the server's clock.
--
-- ARGV: microseconds from place to place, places wanted, how far ahead places are given out.
-- Returns the microseconds until the first place, and how many there are.

local interval, wanted, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local free = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
-- A server whose clock was ahead may have died: nobody waits for its hour to come.
free = math.min(free, now + 60000000)
local room = math.floor((now + ahead - free) / interval) + 1
local given = math.max(0, math.min(wanted, room))
if given > 0 then
  local after = free + given * interval
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX',
    string.format('%.0f', (after - now) / 1000 + 1000))
end
return { free - now, given }
