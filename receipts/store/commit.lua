-- Apply changes one after the other: all checks of a change, then all its writes. A script runs
-- alone and its writes reach the disk as one, so a change happens whole or not at all.
--
-- ARGV holds instructions of four words: name, index of the key, two arguments. Each change begins
-- with an instruction that says how many follow. Behind the changes come the shared sums: each
-- begins with such an instruction and its number, and is added once for each change that names it.

local shared = {} -- how many changes add the shared sum of a number
local times = 1 -- how often the present instructions count
local counted = {} -- by key and field, added once at the end
local figures = {} -- the same, of days and of running sums
local fresh, ledger -- whether the last instruction 'once' wrote its field, and its hash

local FIGURES_SECONDS = { [10] = 62 * 86400, [7] = 36 * 31 * 86400 } -- of a day, of a month
local UNKNOWN_SECONDS = 7 * 86400
local FEW_CHARGES = 250 -- of a month: as many are read whole, and have no order

local function each(first, last, work)
  for i = first, last, 4 do
    local stop = work(ARGV[i], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2], ARGV[i + 3])
    if stop then return stop end
  end
end

local function add(sums, key, field, more)
  sums[key] = sums[key] or {}
  sums[key][field] = (sums[key][field] or 0) + more
end

local function raise(key, field, more)
  local period = string.match(key, '%d[%d-]+$') or ''
  local seconds = FIGURES_SECONDS[#period]
  local now = redis.call('HINCRBY', key, field, more)
  if seconds and now == more then redis.call('EXPIRE', key, seconds) end
end

-- Order a month's charges by time once there are many. Those before have time 0 until a reader
-- needs their order: only it can decode them. A month that is far larger began without an order.
local function order(key, at, id)
  local size = redis.call('HLEN', ledger)
  if size <= FEW_CHARGES then return end
  if redis.call('EXISTS', key) == 0 then
    if size > 2 * FEW_CHARGES then return end
    for _, field in ipairs(redis.call('HKEYS', ledger)) do
      if string.sub(field, 1, 1) ~= '=' then redis.call('ZADD', key, 0, field) end
    end
  end
  redis.call('ZADD', key, at, id)
end

local function version(record)
  return record and tonumber(string.match(record, '^%d+')) or 0
end

local function check(name, key, a, b)
  if name == 'claim' then -- seconds kept, the answer
    local seen = redis.call('GET', key)
    if seen then return { 'seen', seen } end
  elseif name == 'unique' then -- at most so many, the digest of an event
    if redis.call('LPOS', key, b) then return { 'seen' } end
  elseif name == 'save' then -- seconds kept, the record with its next version in front
    if version(redis.call('GET', key)) + 1 ~= version(b) then return { 'conflict' } end
  elseif name == 'guard' then -- the version that the decision was made from
    if version(redis.call('GET', key)) ~= tonumber(a) then return { 'conflict' } end
  elseif name == 'ring' then -- the timer that fired must still be set, and for no later time
    local at = redis.call('ZSCORE', key, a)
    if not at or b ~= '' and tonumber(at) > tonumber(b) then return { 'conflict' } end
  end
end

local function write(name, key, a, b)
  if name == 'save' or name == 'claim' then
    if a == '0' then redis.call('SET', key, b) else redis.call('SET', key, b, 'EX', a) end
  elseif name == 'list' then -- newest first, at most so many
    if redis.call('LPUSH', key, b) > tonumber(a) then redis.call('LTRIM', key, 0, a - 1) end
  elseif name == 'last' or name == 'unique' then -- oldest first, at most so many
    if redis.call('RPUSH', key, b) > tonumber(a) then redis.call('LTRIM', key, -a, -1) end
  elseif name == 'unlist' then -- erased from the oldest on, which are last in the list
    redis.call('LREM', key, -1, a)
  elseif name == 'erase' then
    redis.call('DEL', key)
  elseif name == 'recent' then -- seconds kept, an entry that begins with its time; the oldest first
    if redis.call('RPUSH', key, b) > 20000 then redis.call('LPOP', key) end
    local least = struct.unpack('>I4', b) - a
    for _ = 1, 8 do
      if struct.unpack('>I4', redis.call('LINDEX', key, 0)) >= least then break end
      redis.call('LPOP', key)
    end
    -- Once a day is enough, and the file that is appended to stays smaller.
    if redis.call('TTL', key) < tonumber(a) then redis.call('EXPIRE', key, a + 86400) end
  elseif name == 'pair' then -- seconds kept, a digest of 8 bytes with a value for it, of 14 bytes
    local field, value = string.sub(b, 1, 8), string.sub(b, 9)
    if redis.call('HSETNX', key, field, value) == 1 then
      if redis.call('TTL', key) < 0 then redis.call('EXPIRE', key, a) end
    else
      local known = redis.call('HGET', key, field)
      if not string.find(known, value, 1, true) and #known < 16 * #value then
        redis.call('HSET', key, field, known .. value)
      end
    end
  elseif name == 'unpair' then
    local field, value = string.sub(b, 1, 8), string.sub(b, 9)
    local known = redis.call('HGET', key, field) or ''
    local first = string.find(known, value, 1, true)
    if first then
      local left = string.sub(known, 1, first - 1) .. string.sub(known, first + #value)
      if left == '' then redis.call('HDEL', key, field) else redis.call('HSET', key, field, left) end
    end
  elseif name == 'once' then
    fresh, ledger = redis.call('HSETNX', key, a, b) == 1, key
  elseif name == 'sum' then -- a field of sums in the hash of a charge, from its first charge on
    if fresh then
      local begun = redis.call('HEXISTS', key, '=') == 1
      if not begun and redis.call('HLEN', key) == 1 then
        begun = redis.call('HSET', key, '=', 0)
      end
      if begun then redis.call('HINCRBY', key, a, b) end
    end
  elseif name == 'order' then -- the time and the id of a charge
    if fresh then order(key, a, b) end
  elseif name == 'append' then
    redis.call('XADD', key, '*', a, b)
  elseif name == 'member' then
    redis.call('SADD', key, a)
  elseif name == 'count' then
    add(counted, key, a, b * times)
  elseif name == 'figure' or name == 'fee' and fresh then
    add(figures, key, a, b * times)
  elseif name == 'share' then -- the number of a shared sum
    shared[a] = (shared[a] or 0) + 1
  elseif name == 'text' then -- at most so many, a text; all of them expire with the first
    local size = redis.call('HLEN', key)
    if size < tonumber(a) or redis.call('HEXISTS', key, b) == 1 then
      redis.call('HINCRBY', key, b, 1)
      if size == 0 then redis.call('EXPIRE', key, UNKNOWN_SECONDS) end
    end
  elseif name == 'set' then
    redis.call('ZADD', key, a, b)
  elseif name == 'unset' or name == 'ring' then
    redis.call('ZREM', key, a)
  elseif name == 'done' then
    redis.call('XACK', key, b, a)
    redis.call('XDEL', key, a)
  elseif name == 'expire' then
    redis.call('EXPIRE', key, a)
  end
end

local ends, first = {}, 1
while ARGV[first] do
  local last = first + ARGV[first + 2] * 4
  if ARGV[first] == 'change' then
    ends[#ends + 1] = each(first + 4, last, check) or each(first + 4, last, write) or { 'done' }
  else
    times = shared[ARGV[first + 3]] or 0
    if times > 0 then each(first + 4, last, write) end
  end
  first = last + 4
end
for key, fields in pairs(counted) do
  for field, more in pairs(fields) do redis.call('HINCRBY', key, field, more) end
end
for key, fields in pairs(figures) do
  local month = string.match(key, '^(.*:%d%d%d%d%-%d%d)%-%d%d$')
  for field, more in pairs(fields) do
    raise(key, field, more)
    if month then raise(month, (string.gsub(field, '@%d%d$', '')), more) end -- without the hour
  end
end
return ends
