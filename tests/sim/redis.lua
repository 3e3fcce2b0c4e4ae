-- redis.lua - as much of Redis as shared/parley.lua uses, with a clock that somebody else turns
--
-- Several data sets can be kept side by side, so that a restart, a stale replica and a failover are a
-- matter of which one is in use.  tests/sim/test_same.py gives the same commands to a real Redis and
-- compares.
--
--   data = new_data()              an empty one
--   copy = copy_data(data)         as a replica or a file on disk has it
--   load_library(text)             what FUNCTION LOAD does
--   use(data, run_id)              from now on commands act on it, in that process
--   set_time(us)                   TIME answers this; keys expire by it
--   call_function(name, key, args...)   FCALL; returns the answer, or nil and the error's text
--   command(args...)               one plain command; the same
--   take_published()               {channel, text, channel, text...} since the last call
--
-- Of the program it needs sha1hex(text), and texts(...), which gives its arguments back with numbers
-- as texts.

local data, run, now_us = nil, '', 0
local published = {}

-- A copy shares the keys' entries.  Who changes one makes its own before: each entry bears the mark of
-- the data set that made it, and with every copy that has a new one.
function new_data()
  return { keys = {}, mark = {} }
end

local function shallow(t)
  local copy = {}
  for k, v in pairs(t) do
    copy[k] = v
  end
  return copy
end

function copy_data(from)
  from.mark = {}
  return { keys = shallow(from.keys), mark = {} }
end

function use(new, run_id)
  data, run = new, run_id
end

function set_time(us)
  now_us = us
end

function take_published()
  local list = published
  published = {}
  return list
end

---------------------------------------------------------------------------------------------------
-- Keys.  { kind, value, until_ms, mark }; an empty collection does not exist.

local function now_ms()
  return math.floor(now_us / 1000)
end

local function fail(text)
  error({ err = text }) -- as redis.call does
end

-- To read it.
local function find(key, kind)
  local entry = data.keys[key]
  if entry and entry.until_ms and entry.until_ms < now_ms() then -- not in its last ms
    data.keys[key] = nil
    return nil
  end
  if entry and kind and entry.kind ~= kind then
    fail('WRONGTYPE Operation against a key holding the wrong kind of value')
  end
  return entry
end

local function put(key, kind, value)
  local entry = { kind = kind, value = value, mark = data.mark }
  data.keys[key] = entry
  return entry
end

-- To change it, if it is there.
local function own(key, kind)
  local entry = find(key, kind)
  if entry and entry.mark ~= data.mark then
    entry = shallow(entry)
    entry.mark = data.mark
    entry.value = type(entry.value) == 'table' and shallow(entry.value) or entry.value
    data.keys[key] = entry
  end
  return entry
end

local function need(key, kind, empty)
  return own(key, kind) or put(key, kind, empty)
end

local function drop_if_empty(key, entry)
  if next(entry.value) == nil then
    data.keys[key] = nil
  end
end

local function number_of(text)
  return tonumber(text) or fail('ERR value is not an integer or out of range')
end

local function text_of(number)
  return string.format('%.0f', number)
end

local OK = { ok = 'OK' }

---------------------------------------------------------------------------------------------------
-- Commands, by name; arguments are texts

local commands = {}

function commands.TIME()
  return { text_of(math.floor(now_us / 1000000)), text_of(now_us % 1000000) }
end

function commands.INFO()
  return 'run_id:' .. run .. '\r\n'
end

function commands.PUBLISH(channel, text)
  published[#published + 1] = channel
  published[#published + 1] = text
  return 0
end

-- Keys

function commands.EXISTS(...)
  local count = 0
  for _, key in ipairs({ ... }) do
    count = count + (find(key) and 1 or 0)
  end
  return count
end

function commands.DEL(...)
  local count = 0
  for _, key in ipairs({ ... }) do
    if find(key) then
      data.keys[key] = nil
      count = count + 1
    end
  end
  return count
end
commands.UNLINK = commands.DEL

function commands.RENAME(from, to)
  local entry = find(from) or fail('ERR no such key')
  data.keys[from] = nil
  data.keys[to] = entry
  return OK
end

function commands.PEXPIRE(key, ms)
  local entry = own(key)
  if not entry then
    return 0
  end
  entry.until_ms = now_ms() + number_of(ms)
  return 1
end

-- Strings

function commands.GET(key)
  local entry = find(key, 'string')
  return entry and entry.value or false
end

function commands.SET(key, value, unit, count)
  local entry = put(key, 'string', value)
  if unit then
    entry.until_ms = now_ms() + number_of(count) * (unit == 'EX' and 1000 or 1)
  end
  return OK
end

function commands.INCR(key)
  local entry = need(key, 'string', '0')
  entry.value = text_of(number_of(entry.value) + 1)
  return tonumber(entry.value)
end

-- Hashes

function commands.HGET(key, field)
  local entry = find(key, 'hash')
  return entry and entry.value[field] or false
end

function commands.HMGET(key, ...)
  local list = {}
  for i, field in ipairs({ ... }) do
    list[i] = commands.HGET(key, field)
  end
  return list
end

function commands.HSET(key, ...)
  local entry, args, added = need(key, 'hash', {}), { ... }, 0
  for i = 1, #args, 2 do
    added = added + (entry.value[args[i]] and 0 or 1)
    entry.value[args[i]] = args[i + 1]
  end
  return added
end

function commands.HDEL(key, ...)
  local entry, count = own(key, 'hash'), 0
  if not entry then
    return 0
  end
  for _, field in ipairs({ ... }) do
    count = count + (entry.value[field] and 1 or 0)
    entry.value[field] = nil
  end
  drop_if_empty(key, entry)
  return count
end

function commands.HINCRBY(key, field, by)
  local entry = need(key, 'hash', {})
  entry.value[field] = text_of(number_of(entry.value[field] or '0') + number_of(by))
  return tonumber(entry.value[field])
end

-- In the order of the fields' names, so that a seed means the same everywhere.
local function sorted_keys(t)
  local list = {}
  for key in pairs(t) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

function commands.HGETALL(key)
  local entry, flat = find(key, 'hash'), {}
  for _, field in ipairs(entry and sorted_keys(entry.value) or {}) do
    flat[#flat + 1] = field
    flat[#flat + 1] = entry.value[field]
  end
  return flat
end

-- Sets

function commands.SADD(key, ...)
  local entry, added = need(key, 'set', {}), 0
  for _, member in ipairs({ ... }) do
    added = added + (entry.value[member] and 0 or 1)
    entry.value[member] = true
  end
  return added
end

function commands.SREM(key, ...)
  local entry, count = own(key, 'set'), 0
  if not entry then
    return 0
  end
  for _, member in ipairs({ ... }) do
    count = count + (entry.value[member] and 1 or 0)
    entry.value[member] = nil
  end
  drop_if_empty(key, entry)
  return count
end

function commands.SMEMBERS(key)
  local entry = find(key, 'set')
  return entry and sorted_keys(entry.value) or {}
end

function commands.SCARD(key)
  return #commands.SMEMBERS(key)
end

-- Any members will do, so the first ones do.
function commands.SRANDMEMBER(key, count)
  local list = commands.SMEMBERS(key)
  for i = number_of(count) + 1, #list do
    list[i] = nil
  end
  return list
end

function commands.SPOP(key, count)
  local list = commands.SRANDMEMBER(key, count)
  if #list > 0 then
    commands.SREM(key, unpack(list))
  end
  return list
end

-- The cursor is the number of members that were given; a change in between may hide or show one
-- twice, as in Redis, so the caller has to bear it.
function commands.SSCAN(key, cursor, _, count)
  local list, page = commands.SMEMBERS(key), {}
  local from = number_of(cursor)
  for i = from + 1, math.min(from + number_of(count), #list) do
    page[#page + 1] = list[i]
  end
  local next_one = from + #page
  return { next_one < #list and text_of(next_one) or '0', page }
end

function commands.SUNIONSTORE(target, ...)
  local union = {}
  for _, key in ipairs({ ... }) do
    for _, member in ipairs(commands.SMEMBERS(key)) do
      union[member] = true
    end
  end
  drop_if_empty(target, put(target, 'set', union))
  return commands.SCARD(target)
end

-- Sorted sets

function commands.ZADD(key, ...)
  local entry, args, added = need(key, 'zset', {}), { ... }, 0
  for i = 1, #args, 2 do
    added = added + (entry.value[args[i + 1]] and 0 or 1)
    entry.value[args[i + 1]] = number_of(args[i])
  end
  return added
end

function commands.ZREM(key, ...)
  local entry, count = own(key, 'zset'), 0
  if not entry then
    return 0
  end
  for _, member in ipairs({ ... }) do
    count = count + (entry.value[member] and 1 or 0)
    entry.value[member] = nil
  end
  drop_if_empty(key, entry)
  return count
end

function commands.ZSCORE(key, member)
  local entry = find(key, 'zset')
  local score = entry and entry.value[member]
  return score and text_of(score) or false
end

function commands.ZCARD(key)
  local entry = find(key, 'zset')
  return entry and #sorted_keys(entry.value) or 0
end

-- From "-inf" and the first one only, as it is used: [WITHSCORES] [LIMIT 0 count].
function commands.ZRANGEBYSCORE(key, _, highest, ...)
  local with_scores, count = ... == 'WITHSCORES', select('#', ...) > 1 and select(-1, ...)
  local entry, list = find(key, 'zset'), {}
  for _, member in ipairs(entry and sorted_keys(entry.value) or {}) do
    if entry.value[member] <= number_of(highest) then
      list[#list + 1] = member
    end
  end
  table.sort(list, function(a, b)
    local x, y = entry.value[a], entry.value[b]
    return x < y or x == y and a < b
  end)
  local page = {}
  for i = 1, math.min(#list, number_of(count or #list)) do
    page[#page + 1] = list[i]
    if with_scores then
      page[#page + 1] = text_of(entry.value[list[i]])
    end
  end
  return page
end

-- Lists

function commands.RPUSH(key, ...)
  local entry = need(key, 'list', {})
  for _, item in ipairs({ ... }) do
    entry.value[#entry.value + 1] = item
  end
  return #entry.value
end

function commands.LPOP(key, count)
  local entry, list = own(key, 'list'), {}
  if not entry then
    return false
  end
  for _ = 1, math.min(number_of(count), #entry.value) do
    list[#list + 1] = table.remove(entry.value, 1)
  end
  drop_if_empty(key, entry)
  return list
end

function commands.LRANGE(key, from, to)
  local entry, list = find(key, 'list'), {}
  local length = entry and #entry.value or 0
  local first, last = number_of(from), number_of(to)
  first = math.max(first < 0 and length + first or first, 0)
  last = math.min(last < 0 and length + last or last, length - 1)
  for i = first, last do
    list[#list + 1] = entry.value[i + 1]
  end
  return list
end

-- Streams.  Ids are "<number>-0" here; trimming with "~" is exact, which it may be.

local function number_before_dash(id)
  return number_of(id:match('^%(?(%d+)'))
end

local function keep_last(stream, count)
  while #stream > count do
    table.remove(stream, 1)
  end
end

function commands.XADD(key, _, _, most, id, ...)
  local entry = need(key, 'stream', {})
  local stream, number = entry.value, number_before_dash(id)
  entry.top = entry.top or 0
  if number <= entry.top then
    fail('ERR The ID specified in XADD is equal or smaller than the target stream top item')
  end
  entry.top = number
  stream[#stream + 1] = { number, { ... } }
  keep_last(stream, number_of(most))
  return id
end

function commands.XTRIM(key, _, _, lowest)
  local entry, count = own(key, 'stream'), 0
  while entry and entry.value[1] and entry.value[1][1] < number_of(lowest) do
    table.remove(entry.value, 1)
    count = count + 1
  end
  return count
end

function commands.XRANGE(key, from, _, _, count)
  local entry, list = find(key, 'stream'), {}
  local exclusive = from:sub(1, 1) == '('
  for _, item in ipairs(entry and entry.value or {}) do
    local number = item[1]
    local inside = number > number_before_dash(from) or
      not exclusive and number == number_before_dash(from)
    if inside and #list < number_of(count) then
      list[#list + 1] = { text_of(number) .. '-0', item[2] }
    end
  end
  return list
end

---------------------------------------------------------------------------------------------------
-- Functions

local functions = {}

redis = {}

function redis.register_function(f)
  functions[f.function_name] = f.callback
end

local function run_command(name, ...)
  return (commands[name] or fail('ERR unknown command ' .. name))(texts(...))
end

function load_library(text)
  functions = {}
  redis.call = nil
  assert(loadstring(text:gsub('^#![^\n]*', '')))()
  redis.call = run_command
  redis.sha1hex = sha1hex
end

local function try(f, ...)
  local good, result = pcall(f, ...)
  if good then
    return result
  end
  return nil, type(result) == 'table' and result.err or tostring(result)
end

function command(...)
  return try(run_command, ...)
end

function call_function(name, key, ...)
  return try(functions[name] or function()
    fail('ERR Function not found')
  end, { key }, { ... })
end
