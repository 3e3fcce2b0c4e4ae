-- record.lua - redis.lua, and a record of all that happens to it, in the file $SIM_RECORD
--
-- Takes the place of redis.lua before the simulator.  What is written are values of RESP, as a real
-- Redis would say them, one array for each thing that happened:
--
--   copy <from> <to>                  a data set, by number, was copied
--   use <data> <run_id>
--   call <us> {name key args...} <answer>      FCALL
--   command <us> {name args...} <answer>
--   published {channel text...}       by the calls since the last of these
--   state <data> {{key kind until_ms value}...}    now and then: all that is in it
--
-- Now and then it calls what nobody in a simulation does: an operator's functions, and whose session
-- the last one is.
local folder = debug.getinfo(1, 'S').source:match('^@(.*)/')
dofile(folder .. '/redis.lua')

local STATE_EVERY = 100 -- calls
local LOOK_EVERY = 50

local out = assert(io.open(os.getenv('SIM_RECORD'), 'wb'))
local numbers, count = setmetatable({}, { __mode = 'k' }), 0 -- data set -> number
local now, current, calls, session = 0, nil, 0, nil

local function number_of(data)
  if not numbers[data] then
    numbers[data], count = count, count + 1
  end
  return numbers[data]
end

---------------------------------------------------------------------------------------------------
-- RESP, as Redis makes it of what a function returns

local resp

local function array(list)
  local parts = {}
  for i, item in ipairs(list) do
    parts[i] = resp(item)
  end
  return '*' .. #parts .. '\r\n' .. table.concat(parts)
end

function resp(value)
  if type(value) == 'string' then
    return '$' .. #value .. '\r\n' .. value .. '\r\n'
  elseif type(value) == 'number' then
    return string.format(':%d\r\n', value)
  elseif type(value) ~= 'table' then
    return '$-1\r\n'
  elseif value.ok then
    return '+' .. value.ok .. '\r\n'
  elseif value.err then
    return '-' .. value.err .. '\r\n'
  end
  return array(value)
end

local function write(...)
  out:write('*', select('#', ...), '\r\n')
  for i = 1, select('#', ...) do
    out:write(resp((select(i, ...))))
  end
end

---------------------------------------------------------------------------------------------------
-- All that is in a data set; collections in order, as lists

local function sorted(t)
  local list = {}
  for key in pairs(t) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local flat = {
  string = function(value) return value end,
  list = function(value) return value end,
  set = sorted,
}

function flat.hash(value)
  local list = {}
  for _, field in ipairs(sorted(value)) do
    list[#list + 1] = field
    list[#list + 1] = value[field]
  end
  return list
end

function flat.zset(value)
  local list = {}
  for _, member in ipairs(sorted(value)) do
    list[#list + 1] = member
    list[#list + 1] = string.format('%.0f', value[member])
  end
  return list
end

function flat.stream(value)
  local list = {}
  for i, entry in ipairs(value) do
    list[i] = { string.format('%.0f-0', entry[1]), entry[2] }
  end
  return list
end

function record_state()
  local list = {}
  for _, key in ipairs(sorted(current.keys)) do
    local entry = current.keys[key]
    list[#list + 1] = { key, entry.kind, entry.until_ms or -1, flat[entry.kind](entry.value) }
  end
  write('state', now, number_of(current), list)
end

---------------------------------------------------------------------------------------------------
-- What the simulator calls

local real = { copy_data = copy_data, use = use, set_time = set_time, command = command,
  take_published = take_published, call_function = call_function }

function copy_data(data)
  local copy = real.copy_data(data)
  write('copy', number_of(data), number_of(copy))
  return copy
end

function use(data, run_id)
  current = data
  write('use', number_of(data), run_id)
  real.use(data, run_id)
end

function set_time(us)
  now = us
  real.set_time(us)
end

function command(...)
  local answer, err = real.command(...)
  write('command', now, { ... }, err and { err = err } or answer)
  return answer, err
end

local function call(...)
  local answer, err = real.call_function(...)
  write('call', now, { ... }, err and { err = err } or answer)
  return answer, err
end

local function look(key, epoch, seen, grace, lease)
  call('parley_who', key)
  call('parley_version', key)
  call('parley_session', key, epoch, seen, grace, lease, session)
end

function call_function(name, key, ...)
  calls = calls + 1
  if name == 'parley_login' then
    session = select(7, ...)
  elseif calls % LOOK_EVERY == 0 and name ~= 'parley_kick' then
    look(key, ...)
  end
  if calls % STATE_EVERY == 0 then
    record_state()
  end
  return call(name, key, ...)
end

function take_published()
  local list = real.take_published()
  write('published', list)
  return list
end
