-- commands.lua - plain commands by dice, recorded (record.lua); the seed is $SIM_SEED
--
-- In the forms that the rules use, on a few keys of each type, now and then of another type, while
-- time goes on by a millisecond or so and keys expire after as few.  What Redis is free to choose is
-- not asked for: some members of a set (SPOP, SRANDMEMBER and SSCAN are given room for all).
local folder = debug.getinfo(1, 'S').source:match('^@(.*)/')
dofile(folder .. '/record.lua')

local COMMANDS = 5000
local STATE_EVERY = 50
local ALL = 64 -- more than there are members

math.randomseed(tonumber(os.getenv('SIM_SEED')))
local dice = math.random

local function key(kind)
  return (dice(20) == 1 and ('shtzlx'):sub(dice(6)):sub(1, 1) or kind) .. dice(3)
end

local function word()   return 'w' .. dice(12) end
local function number() return tostring(dice(40)) end

local ms, id = 1000000, 0

local function stream_id(most_back)
  return (id - dice(0, math.min(most_back, id - 1))) .. '-0'
end

-- Each makes the arguments of one command.
local forms = {
  function() return 'TIME' end,
  function() return 'PUBLISH', word(), word() end,
  function() return 'EXISTS', key('s'), key('h'), key('s') end,
  function() return 'DEL', key('s'), key('z') end,
  function() return 'UNLINK', key('x') end,
  function() return 'UNLINK', key('t') end,
  function() return 'RENAME', key('h'), key('h') end,
  function() return 'RENAME', key('t'), key('t') end,
  function() return 'PEXPIRE', key(({ 'h', 'l', 'x' })[dice(3)]), tostring(dice(9)) end,

  function() return 'GET', key('s') end,
  function() return 'SET', key('s'), number() end,
  function() return 'SET', key('s'), number(), 'PX', tostring(dice(9)) end,
  function() return 'SET', key('s'), number(), 'EX', '1' end,
  function() return 'INCR', key('s') end,

  function() return 'HGET', key('h'), word() end,
  function() return 'HMGET', key('h'), word(), word(), word() end,
  function() return 'HSET', key('h'), word(), number(), word(), number() end,
  function() return 'HDEL', key('h'), word() end,
  function() return 'HDEL', key('h'), word(), word() end,
  function() return 'HINCRBY', key('h'), word(), '1' end,
  function() return 'HGETALL', key('h') end,

  function() return 'SADD', key('t'), word() end,
  function() return 'SADD', key('t'), word(), word() end,
  function() return 'SREM', key('t'), word() end,
  function() return 'SMEMBERS', key('t') end,
  function() return 'SCARD', key('t') end,
  function() return 'SRANDMEMBER', key('t'), ALL end,
  function() return 'SPOP', key('t'), ALL end,
  function() return 'SSCAN', key('t'), '0', 'COUNT', ALL end,
  function() return 'SUNIONSTORE', key('t'), key('t'), key('t') end,

  function() return 'ZADD', key('z'), number(), word() end,
  function() return 'ZADD', key('z'), number(), word() end,
  function() return 'ZREM', key('z'), word() end,
  function() return 'ZREM', key('z'), word(), word() end,
  function() return 'ZCARD', key('z') end,
  function() return 'ZSCORE', key('z'), word() end,
  function() return 'ZRANGEBYSCORE', key('z'), '-inf', '+inf' end,
  function() return 'ZRANGEBYSCORE', key('z'), '-inf', number(), 'LIMIT', '0', tostring(dice(5)) end,
  function() return 'ZRANGEBYSCORE', key('z'), '-inf', number(), 'WITHSCORES', 'LIMIT', '0', tostring(dice(5)) end,

  function() return 'RPUSH', key('l'), word() end,
  function() return 'RPUSH', key('l'), word() end,
  function() return 'LPOP', key('l'), tostring(dice(3)) end,
  function() return 'LRANGE', key('l'), tostring(-dice(9)), '-1' end,
  function() return 'LRANGE', key('l'), '0', '-1' end,

  function()
    id = id + dice(0, 2)
    return 'XADD', key('x'), 'MAXLEN', '~', tostring(dice(9)), id .. '-0', word(), word(), 'm', word()
  end,
  function()
    id = id + 1
    return 'XADD', key('x'), 'MAXLEN', '~', '1000', id .. '-0', word(), word()
  end,
  function() return 'XTRIM', key('x'), 'MINID', '~', tostring(math.max(id - dice(20), 0)) end,
  function() return 'XRANGE', key('x'), stream_id(20), '+', 'COUNT', tostring(dice(5)) end,
  function() return 'XRANGE', key('x'), '(' .. stream_id(20), '+', 'COUNT', tostring(dice(5)) end,
}

id = 1
use(new_data(), string.rep('0', 40))
for i = 1, COMMANDS do
  ms = ms + (dice(500) == 1 and 1000 or dice(0, 1))
  set_time(ms * 1000 + dice(0, 999))
  command(forms[dice(#forms)]())
  if i % STATE_EVERY == 0 then
    take_published()
    record_state()
  end
end
