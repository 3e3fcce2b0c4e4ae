#!lua name=parley
--
-- parley.lua - every rule of Parley that must be atomic, as one library of Redis Functions
--
-- Redis runs one function at a time, so each function below is one step that nobody sees half done.
-- All functions take one key, the prefix ("{chat}:"), under which all keys and channels live.
-- ARCHITECTURE.md lists the keys; in short:
--
--   sessions:<aa>           hash: first half of a session hash that begins so -> name of the user
--                           (in 1.2, the whole session hash)
--   session:<hash>          "ended" for an hour after the end (a library older than 1.2 had the name
--                           here, too)
--   user:<name>             hash: name as typed, session, login, expires, floor, online (since when),
--                           at:<gateway>, gateways, left, inbox (newest id, newest id that is gone,
--                           bytes, expiry, number of the old, keep_ms)
--   online                  set of the names that everybody sees, as typed
--   deadlines               sorted set: name -> presence time at which a sweep must look at the user
--   grace:<name>            the countdown that an operator watches; its expiry wakes the sweep
--   gateways                sorted set: gateway -> presence time at which its lease ends
--   gateway:<id>            the lease as a key with TTL: what an operator looks at
--   gateway:<id>:users      set: users attached through this gateway
--   links                   hash: gateway -> number of its link, "lapsed <n>" once the lease ended
--   delivered               hash: gateway -> how far it surely has delivered
--   lapsed                  set of <id>:<link> whose users, lapsed:<id>:<link>, are being detached
--   channels                hash: channel -> how many messages were ever published on it
--   presence                hash: epoch, run, first, version, logins, link, last, skew, settle,
--                           early, open, here:<gateway>, group, group_mark, group_until, group_keep,
--                           single, library (version of this file, for shared/parley_module)
--   presence:log            stream, id = version: who joined and left
--   message:id              the last message id
--   sent:<name>             hash: client_id -> "id sent_at digest"; sent:<name>:old the one before
--   inbox:<name>            list: what the user was sent or sent himself, for those who return
--   group                   stream, id = message id: what the group was sent
--
-- Words:
--   caller        the four first arguments of every service's call: the epoch that it lives in, the
--                 highest message id that it has seen in it, grace and lease in milliseconds.
--                 A gateway that is answered another epoch goes on calling from the old one, with
--                 the ids seen there, until all its sessions were attached again: only so may they
--                 return.  Then it takes over the epoch and message:id together, and reads the list
--                 of users anew, because versions of two epochs do not compare.
--   epoch         one uninterrupted history of these keys.  When Redis lost or changed its data a new
--                 epoch opens, and settles: gateways attach their users again, and meanwhile nobody
--                 logs in, sends, expires or is seen leaving.
--   presence time Redis' clock less every stretch in which nobody called (an outage), so that no lease
--                 and no grace period runs out while the services could not have prevented it.
--   link          one connection of a gateway; commands of any other number are refused, so a late
--                 command of a broken connection changes nothing.

local VERSION = '1.7' -- major.minor: a service refuses a newer major, and replaces a lower version

local ID_JUMP = 1000000      -- ids skipped by a new epoch: more than can be on their way unseen
local GAP_MS = 1000          -- a longer silence is an outage (sweeps come every 100 ms)
local EARLY_MS = 20000       -- a shorter outage loses fewer than ID_JUMP messages (50,000 a second)
local ENDED_S = '3600'       -- how long an ended session is remembered
local SENT_EXTRA_MS = 60000  -- client_ids are kept for grace and this
local LOG_LENGTH = 65536     -- presence changes kept for gateways that missed some
local BATCH = 64             -- users attached, pruned or told of by one call
local FIELDS = 13            -- of a session in the answer of connect
local SWEPT = 32             -- users looked at by one sweep: half a millisecond
local WHO_MAX = 500          -- users shown by parley_who, so that an operator stops nobody
local INBOX_MAX = 256        -- messages kept in an inbox,
local INBOX_BYTES = 65536    -- of so many bytes,
local INBOX_MIN = 4          -- but so many whatever their length
local GROUP_MAX = 100000     -- messages kept of the group, about
local PAGE = 64              -- messages in one page of a replay,
local PAGE_BYTES = 65536     -- of so many bytes, or one
local ROUTES = 256           -- sets of gateways whose channels are remembered
local PINGS_MS = 45000       -- interval and timeout of pings, for a gateway that does not say keep_ms

-- What Redis and Lua offer does not exist yet while the library is loaded, and a look at a global
-- costs a fifth of a command.  So the first call takes it once, for all.
local function lent()
  return redis.call, redis.sha1hex, string.format, tonumber, pcall, table.concat
end
local call, sha1hex, format, tonumber, pcall, concat

---------------------------------------------------------------------------------------------------
-- Small things

-- Of a whole number.
local function text(number)
  return format('%d', number)
end

local function refuse(what)
  error({ err = 'ERR parley: ' .. what })
end

-- Arguments are checked before the first write: a function that fails halfway keeps its writes.
local function digits(value, what, most)
  if not value or not value:match('^%d+$') or #value > (most or 15) then
    refuse(what .. ' must be an integer')
  end
  return value
end

local function integer(value, what, most)
  return digits(value, what, most) + 0 -- (tonumber would read it twice)
end

-- Settings are the same in almost every call, and it takes long to read a number.
local setting_text, setting_number = {}, {}
local function setting(value, what)
  if not value or value ~= setting_text[what] then
    setting_number[what] = integer(value, what, 12)
    setting_text[what] = value
  end
  return setting_number[what]
end

local function matching(value, pattern, what)
  if not value or not value:match(pattern) then
    refuse('bad ' .. what)
  end
  return value
end

-- (By bytes: a pattern takes ten times as long to read a whole text.)
local function quoted(value, what)
  if not value or #value < 2 or value:byte(1) ~= 34 or value:byte(-1) ~= 34 then
    refuse('bad ' .. what)
  end
  return value
end

local function name_of(value)    return matching(value, '^[a-z0-9][a-z0-9._-]*$', 'name') end
local function shown_of(value)   return matching(value, '^[A-Za-z0-9][A-Za-z0-9._-]*$', 'shown name') end
local function hash_of(value)    return matching(value, '^%x+$', 'session hash') end

-- Who calls is mostly the one before.
local last_epoch, last_gateway, last_link = false, false, false
local function epoch_of(value)
  last_epoch = value == last_epoch and value or matching(value, '^%x*$', 'epoch')
  return value
end
local function gateway_of(value)
  last_gateway = value == last_gateway and value or matching(value, '^[A-Za-z0-9][A-Za-z0-9._-]*$', 'gateway')
  return value
end
local function link_of(value)
  last_link = value == last_link and value or digits(value, 'link')
  return value
end

local function hash_table(key)
  local flat = call('HGETALL', key)
  if #flat == 0 then
    return nil
  end
  local t = {}
  for i = 1, #flat, 2 do
    t[flat[i]] = flat[i + 1]
  end
  return t
end

-- The id of this Redis process.  A restarted process, or a replica that was promoted, runs this file
-- anew, so that the first call in it reads its own.
local run_id
local function server_run()
  run_id = run_id or call('INFO', 'server'):match('run_id:(%x+)')
  return run_id
end

local function now_ms()
  local t = call('TIME')
  local micros = t[2] + 0
  return t[1] * 1000 + (micros - micros % 1000) / 1000, micros
end

---------------------------------------------------------------------------------------------------
-- Presence time

-- Notes the time of a call and adds an outage, or a step of the clock, to the skew.  Every function
-- that compares or sets a presence time calls this first.  `opening`: an epoch opens, so nobody knows
-- what happened since the last call that is known, and however short that is, it is an outage.
local function note(c, opening)
  local now = now_ms()
  local state = call('HMGET', c.presence, 'last', 'skew')
  local skew = tonumber(state[2] or 0)
  if state[1] then
    local gap = now - tonumber(state[1])
    c.gap = gap
    if opening or gap > GAP_MS or gap < 0 then
      skew = skew + gap
    end
  end
  call('HSET', c.presence, 'last', text(now), 'skew', text(skew))
  c.now, c.time = now, now - skew
  if c.settle and c.time >= c.settle then
    call('HDEL', c.presence, 'settle')
    c.settle = nil
  end
end

---------------------------------------------------------------------------------------------------
-- Epochs

-- Settling must outlast lease + renew interval (a third of the lease) + the longest back-off of a
-- gateway (a quarter of it) + the time to attach everybody.
local function settle_ms(c)
  return 2 * c.lease + 1000
end

-- Messages are taken before it has settled when the data was kept (another process has it now, and
-- not for long) and every gateway in it has attached all its sessions in this epoch: then each
-- receiver is found, and the jump of ids is larger than what a lagging replica can have lost.  All
-- else waits to the end, for a gateway that registered in what was lost: nobody logs in or expires,
-- and a receiver who is not known is no reason for "no such user".  (tests/models/epoch.pml)
local function open_early(c)
  if call('HMGET', c.presence, 'early')[1] ~= c.epoch then
    return
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', c.prefix .. 'gateways', '-inf', '+inf')) do
    if call('HMGET', c.presence, 'here:' .. id)[1] ~= c.epoch then
      return
    end
  end
  call('HSET', c.presence, 'open', c.epoch)
end

local function is_open(c)
  return call('HMGET', c.presence, 'open')[1] == c.epoch
end

local function takes_messages(c)
  return not c.settle or (c.caller == c.epoch and is_open(c))
end

local function open_epoch(c, run, kept)
  c.settle = nil -- an older settling ends with its epoch
  note(c, true)
  local now, micros = now_ms()
  if not c.epoch then
    -- Without version and newest id these could not be continued.
    call('UNLINK', c.prefix .. 'presence:log', c.prefix .. 'group')
  end
  c.epoch = sha1hex(run .. ':' .. now .. micros .. ':' .. (c.epoch or '')):sub(1, 16)
  c.id = math.max(c.id, c.seen) + ID_JUMP
  local skew = c.now - c.time + c.grace -- whoever was in grace gets a whole new one
  c.time = c.now - skew
  c.settle = c.time + settle_ms(c)
  call('SET', c.prefix .. 'message:id', text(c.id))
  call('HSET', c.presence, 'epoch', c.epoch, 'run', run, 'first', text(c.id),
    'skew', text(skew), 'settle', text(c.settle))
  if kept and c.gap and c.gap >= 0 and c.gap <= EARLY_MS then
    call('HSET', c.presence, 'early', c.epoch)
  end
end

local function prefix_of(keys)
  if #keys ~= 1 then
    refuse('one key is needed, the prefix')
  end
  return keys[1]
end

-- Begins every service's call: reads who calls, and opens a new epoch when Redis lost or changed its
-- data: no epoch stored, another process, or ids below what a caller of this same epoch has seen.
local function enter(keys, args)
  local prefix, caller, seen = prefix_of(keys), epoch_of(args[1]), integer(args[2], 'seen')
  local grace, lease = setting(args[3], 'grace'), setting(args[4], 'lease')
  if lease == 0 then
    refuse('lease must not be 0') -- a key's time to live cannot be 0
  end
  local presence = prefix .. 'presence'
  local state = call('HMGET', presence, 'epoch', 'run', 'settle')
  local c = { prefix = prefix, presence = presence, caller = caller, seen = seen, grace = grace, lease = lease,
    epoch = state[1], settle = state[3] and tonumber(state[3]), id = (call('GET', prefix .. 'message:id') or 0) + 0,
    changes = {} }
  local run = server_run()
  local lost_ids = c.caller == c.epoch and c.id < c.seen and not c.settle
  if not c.epoch or state[2] ~= run or lost_ids then
    open_epoch(c, run, c.epoch and state[2] ~= run)
  elseif c.caller ~= c.epoch and c.seen > 0 and c.id < c.seen + ID_JUMP then
    -- Somebody who lived through another history: ids must rise above what he has seen, and what
    -- his clients have seen is no id of this epoch.
    c.id = c.seen + ID_JUMP
    call('SET', c.prefix .. 'message:id', text(c.id))
    call('HSET', c.presence, 'first', text(c.id))
  end
  return c
end

-- Every answer begins with a status and the epoch in force.
local function answer(c, status, ...)
  return { status, c.epoch, ... }
end

---------------------------------------------------------------------------------------------------
-- Channels.  Messages are counted per channel, so that a subscriber sees a hole; a gateway's nonce
-- tells it the counts, so that it misses no last message either.

local function next_count(c, channel)
  return text(call('HINCRBY', c.prefix .. 'channels', channel, '1'))
end

local function publish(c, channel, kind, rest)
  call('PUBLISH', c.prefix .. channel, kind .. ' ' .. next_count(c, channel) .. ' ' .. rest)
end

-- One version, one log entry and one message for all changes of a call, in the order in which they
-- happened: while it settles, one session of a name may take the place of another ("-bob +bob").
local function announce(c)
  if #c.changes == 0 then
    return
  end
  local list = concat(c.changes, ' ')
  local version = text(call('HINCRBY', c.presence, 'version', 1))
  call('XADD', c.prefix .. 'presence:log', 'MAXLEN', '~', LOG_LENGTH, version .. '-0', 'changes', list)
  call('PUBLISH', c.prefix .. 'presence', c.epoch .. ' ' .. version .. ' ' .. list)
end

local function version_of(c)
  return call('HGET', c.presence, 'version') or '0'
end

local function first_of(c)
  return call('HGET', c.presence, 'first') or '0'
end

---------------------------------------------------------------------------------------------------
-- Users and their attachments

local function user_key(c, name)    return c.prefix .. 'user:' .. name end
local function session_key(c, hash) return c.prefix .. 'session:' .. hash end
-- A key for each session would cost three times as much: up to 128 lie together in a listpack.  Half a
-- hash finds the user; `session` of the user is all of it, and decides.
local function sessions_key(c, hash) return c.prefix .. 'sessions:' .. hash:sub(1, 2) end
local function half_of(hash)        return hash:sub(1, 32) end
local function inbox_key(c, name)   return c.prefix .. 'inbox:' .. name end
local function users_key(c, id)     return c.prefix .. 'gateway:' .. id .. ':users' end

-- Of his inbox: the newest id that was ever in it, the newest that is in it no more, the bytes in
-- it, when it expires, and its mark: how many messages in it are from before that was set, and the
-- keep_ms for which it was.
local function inbox_of(user)
  local newest, gone, bytes, until_ms, mark = (user.inbox or '0 0 0 0'):match('^(%d+) (%d+) (%d+) (%d+) ?(.*)$')
  if not newest then
    refuse('bad inbox of ' .. user.key)
  end
  return newest, gone, bytes, until_ms, mark
end

-- (Most messages change nothing of it, so it is one text until then.)
local function mark_of(inbox_mark)
  local old, keep = inbox_mark:match('^(%d+) (%d+)$')
  return (old or 0) + 0, (keep or 0) + 0 -- before 1.5 nobody knew
end

-- The newest id that was ever in his inbox.
local function newest_of(user)
  return user.inbox and user.inbox:match('^%d+') or '0'
end

-- Whoever serves him, by his whole hash.
local function gateways_of(user)
  local list = {}
  for field in pairs(user) do
    if field:byte(3) == 58 then -- at:<gateway>; no other field has a colon
      list[#list + 1] = field:sub(4)
    end
  end
  table.sort(list)
  return concat(list, ' ')
end

-- A user is a table of his fields and `key`, his name in keys.
local function user_of(c, name)
  local user = hash_table(user_key(c, name))
  if user then
    user.key = name
    -- No gateways: he never connected, or (and then he is online) not since a library older than 1.1.
    user.gateways = user.gateways or user.online and gateways_of(user) or ''
  end
  return user
end

-- With these fields and `gateways`: a third of the time that the whole hash takes.
local function user_with(c, name, fields)
  local values = call('HMGET', user_key(c, name), 'gateways', unpack(fields))
  if not values[1] then
    return user_of(c, name)
  end
  local user = { key = name, gateways = values[1] }
  for i, field in ipairs(fields) do
    user[field] = values[i + 1] or nil
  end
  return user
end

-- What a message needs of sender and receiver.  (As user_with, without its loop.)  Whoever has
-- `gateways` is online, or was.
local function correspondent(c, name)
  local key = user_key(c, name)
  local values = call('HMGET', key, 'gateways', 'name', 'session', 'inbox')
  if not values[1] then
    return user_of(c, name)
  end
  return { key = name, gateways = values[1], name = values[2], session = values[3], inbox = values[4] or nil,
    online = true } -- (and kept_before: with more than eight it would be twice as large)
end

-- When a sweep must look at the user next: when the session is too old, if ever.
local function watch_expiry(c, user)
  local expires = tonumber(user.expires)
  if expires > 0 then
    call('ZADD', c.prefix .. 'deadlines', text(expires), user.key)
  else
    call('ZREM', c.prefix .. 'deadlines', user.key)
  end
end

local function make_session(c, name, shown, hash, login, expires, floor)
  call('HSET', sessions_key(c, hash), half_of(hash), name)
  call('HSET', user_key(c, name), 'name', shown, 'session', hash, 'login', text(login),
    'expires', text(expires), 'floor', text(floor))
end

-- Lists of gateways, as `gateways` of a user: sorted.
local function without(list, id)
  local others = {}
  for other in list:gmatch('%S+') do
    if other ~= id then
      others[#others + 1] = other
    end
  end
  return concat(others, ' ')
end

local function with(list, id)
  if list == '' or list == id then
    return id
  end
  local all = { id }
  for other in without(list, id):gmatch('%S+') do
    all[#all + 1] = other
  end
  table.sort(all)
  return concat(all, ' ')
end

-- The user is served by this gateway now; ends a grace period, makes a new user visible.
local function attach(c, id, link, user)
  local name, key, gateways = user.key, user_key(c, user.key), with(user.gateways, id)
  if user.online then
    call('HSET', key, 'at:' .. id, link, 'gateways', gateways)
  else
    call('SADD', c.prefix .. 'online', user.name)
    c.changes[#c.changes + 1] = '+' .. user.name
    call('HSET', key, 'at:' .. id, link, 'gateways', gateways, 'online', text(c.now))
  end
  call('SADD', users_key(c, id), name)
  if user.left then -- he was in grace
    call('DEL', c.prefix .. 'grace:' .. name)
    call('HDEL', key, 'left') -- an idle user must not grow
  end
  watch_expiry(c, user)
end

-- Those of the names whom the gateway serves by a link up to this number.
local function served_by(c, id, names, newest)
  local users, fields = {}, { 'at:' .. id, 'expires' }
  for _, name in ipairs(names) do
    local user = user_with(c, name, fields)
    local link = user and user['at:' .. id]
    if link and tonumber(link) <= newest then
      users[#users + 1] = user
    end
  end
  return users
end

-- The gateway serves these users no more; the last one gone starts the grace period.  `left`: the id
-- up to which it has delivered everything to them.  (One command for all of them, where there is one.)
local function detach(c, id, users, left)
  if #users == 0 then
    return
  end
  local names, deadlines, since = {}, {}, 'away since ' .. text(c.now)
  for i, user in ipairs(users) do
    local key, others = user_key(c, user.key), without(user.gateways, id)
    names[i] = user.key
    call('HDEL', key, 'at:' .. id)
    if others ~= '' then
      call('HSET', key, 'gateways', others)
    else
      call('HSET', key, 'gateways', '', 'left', left)
      local deadline, expires = c.time + c.grace, tonumber(user.expires)
      if expires > 0 then
        deadline = math.min(deadline, expires)
      end
      deadlines[#deadlines + 1] = text(deadline)
      deadlines[#deadlines + 1] = user.key
      call('SET', c.prefix .. 'grace:' .. user.key, since, 'PX', text(math.max(deadline - c.time, 1)))
    end
  end
  call('SREM', users_key(c, id), unpack(names))
  if #deadlines > 0 then
    call('ZADD', c.prefix .. 'deadlines', unpack(deadlines))
  end
end

-- The one end of sessions, whatever ends them: their sockets are closed wherever they are, their
-- tokens are remembered as ended, the names are free.
local function end_sessions(c, users, code)
  if #users == 0 then
    return
  end
  for _, user in ipairs(users) do -- first: a Redis with older rules refuses it, before anybody is told
    call('HDEL', sessions_key(c, user.session), half_of(user.session), user.session)
    call('SET', session_key(c, user.session), 'ended', 'EX', ENDED_S)
  end
  local keys, names, shown = {}, {}, {}
  for i, user in ipairs(users) do
    local name = user.key
    for id in user.gateways:gmatch('%S+') do
      publish(c, 'to:' .. id, 'end', user.session .. ' ' .. code)
      call('SREM', users_key(c, id), name)
    end
    local sent, grace = c.prefix .. 'sent:' .. name, c.prefix .. 'grace:' .. name
    for _, key in ipairs({ user_key(c, name), grace, sent, sent .. ':old', inbox_key(c, name) }) do
      keys[#keys + 1] = key
    end
    names[i] = name
    if user.online then
      shown[#shown + 1] = user.name
      c.changes[#c.changes + 1] = '-' .. user.name
    end
  end
  call('DEL', unpack(keys))
  call('ZREM', c.prefix .. 'deadlines', unpack(names))
  if #shown > 0 then
    call('SREM', c.prefix .. 'online', unpack(shown))
  end
end

local function expires_in(c, user)
  local expires = tonumber(user.expires)
  return expires > 0 and math.max(expires - c.time, 1) or 0
end

---------------------------------------------------------------------------------------------------
-- Links

-- Is this command from the gateway's current connection, and does its lease hold?
local function link_holds(c, id, link)
  return call('HGET', c.prefix .. 'links', id) == link
end

local function link_number(c, id)
  local stored = call('HGET', c.prefix .. 'links', id)
  return stored and tonumber(stored:match('%d+$')) or 0
end

-- Numbers come from one counter for all gateways, so none is ever given twice, not even to a gateway
-- that was forgotten in between.  (One counter per gateway would be forgotten with it: then a very
-- late renew of a broken connection could be given the number of the link that is in use.)
local function next_link(c, carried)
  local last = tonumber(call('HGET', c.presence, 'link') or 0)
  local link = text(math.max(last, carried) + 1)
  call('HSET', c.presence, 'link', link)
  return link
end

-- How far a gateway has delivered.  Nobody knows where it was when it died or lost its connection.
-- But it renews with another nonce only when the last one has come back, behind all that was
-- published before: up to there it is sure.  A new link counts only at the end of pruning, when the
-- gateway has caught up with what it missed before.
local function delivered(c, id)
  local now = text(c.id)
  local stored = call('HGET', c.prefix .. 'delivered', id) or '0 ' .. now .. ' ' .. now .. ' -'
  return stored:match('^(%d+) (%d+) (%d+) (.*)$') -- link, sure id, message:id at this nonce, nonce
end

local function note_delivered(c, id, ...)
  call('HSET', c.prefix .. 'delivered', id, concat({ ... }, ' '))
end

local function note_renewal(c, id, link, nonce)
  local counts, sure, renewed, last = delivered(c, id)
  if nonce ~= last then
    note_delivered(c, id, counts, counts == link and renewed or sure, text(c.id), nonce)
  end
end

-- Takes the lease from a gateway.  Its users go to a list of their own, named by the link, so that
-- the gateway may come back at once without being mixed up with its past.
local function lapse(c, id)
  local link = text(link_number(c, id))
  local source, entry = users_key(c, id), id .. ':' .. link
  call('ZREM', c.prefix .. 'gateways', id)
  call('HDEL', c.presence, 'here:' .. id)
  call('HSET', c.prefix .. 'links', id, 'lapsed ' .. link)
  call('DEL', c.prefix .. 'gateway:' .. id)
  local target = c.prefix .. 'lapsed:' .. entry
  if call('EXISTS', target) == 1 then
    call('SUNIONSTORE', target, target, source) -- adds to what is being drained
    call('UNLINK', source)
  elseif call('EXISTS', source) == 1 then
    call('RENAME', source, target) -- however many they are, it takes no time
  end
  call('SADD', c.prefix .. 'lapsed', entry)
end

-- A gateway that did not come back, none of whose lists is left, is forgotten: its link number and
-- its channel's counter.  Not earlier: whoever is still listed may yet be told something on the
-- channel, which would count it anew.
local function forget(c, id)
  if not (call('HGET', c.prefix .. 'links', id) or ''):match('^lapsed') then
    return
  end
  for _, entry in ipairs(call('SMEMBERS', c.prefix .. 'lapsed')) do
    if entry:match('^(.*):%d+$') == id then
      return
    end
  end
  call('HDEL', c.prefix .. 'links', id)
  call('HDEL', c.prefix .. 'delivered', id)
  call('HDEL', c.prefix .. 'channels', 'to:' .. id)
end

-- Detaches up to `limit` users of one lapsed list; an attachment that is newer than the list stays.
-- Returns how many it looked at, and how many it detached.
local function drain(c, entry, limit)
  local id, link = entry:match('^(.*):(%d+)$')
  local list = c.prefix .. 'lapsed:' .. entry
  local _, sure = delivered(c, id)
  local names = call('SPOP', list, limit)
  local users = served_by(c, id, names, tonumber(link))
  detach(c, id, users, sure)
  if call('EXISTS', list) == 0 then
    call('SREM', c.prefix .. 'lapsed', entry)
    forget(c, id)
  end
  return #names, #users
end

---------------------------------------------------------------------------------------------------
-- auth-svc: login, logout, session

-- name, name as typed, session hash, ms to connect in, ms of the longest life (0: no end)
-- ok | taken <ms until the name may be free, 0 while online> | unavailable
local function login(keys, args)
  local name, shown, hash = name_of(args[5]), shown_of(args[6]), hash_of(args[7])
  local pending, longest = integer(args[8], 'pending'), integer(args[9], 'longest')
  local c = enter(keys, args)
  note(c)
  if c.settle then
    return answer(c, 'unavailable')
  end
  local user = user_of(c, name)
  if user then
    local left = 0
    if user.gateways == '' then
      left = tonumber(call('ZSCORE', c.prefix .. 'deadlines', name) or 0) - c.time
      left = math.max(left, 1)
    end
    return answer(c, 'taken', text(left))
  end
  local number = call('HINCRBY', c.presence, 'logins', 1)
  make_session(c, name, shown, hash, number, longest > 0 and c.time + longest or 0, c.id)
  if longest > 0 then
    pending = math.min(pending, longest)
  end
  call('ZADD', c.prefix .. 'deadlines', text(c.time + pending), name)
  return answer(c, 'ok')
end

-- Whose session is it?  ok, user | unknown | unavailable
local function owner_of(c, hash)
  local key = sessions_key(c, hash)
  local owner = call('HGET', key, half_of(hash))
    or call('HGET', key, hash) or call('GET', session_key(c, hash)) -- as older libraries noted it
  local user = owner and user_of(c, owner)
  if user and user.session == hash then
    return 'ok', user
  end
  -- While it settles a gateway may still bring the session back.
  return not owner and c.settle and 'unavailable' or 'unknown'
end

-- name, session hash      ok | unknown | forbidden (another's token) | unavailable
local function logout(keys, args)
  local name, hash = name_of(args[5]), hash_of(args[6])
  local c = enter(keys, args)
  local status, user = owner_of(c, hash)
  if status ~= 'ok' then
    return answer(c, status)
  elseif user.key ~= name then
    return answer(c, 'forbidden')
  end
  end_sessions(c, { user }, 'logged_out')
  announce(c)
  return answer(c, 'ok')
end

-- session hash            ok <name as typed> <ms to the end, 0: none> | unknown | unavailable
local function session(keys, args)
  local hash = hash_of(args[5])
  local c = enter(keys, args)
  note(c)
  local status, user = owner_of(c, hash)
  if status ~= 'ok' then
    return answer(c, status)
  end
  return answer(c, 'ok', user.name, text(expires_in(c, user)))
end

---------------------------------------------------------------------------------------------------
-- gateway-svc: renew, connect, detach, reattach, prune, leave

-- A gateway listens that takes a line for one message: for as long as its lease, and once more.
local function note_single(c, time)
  call('HSET', c.presence, 'single', text(time + 2 * c.lease))
end

-- gateway, "new" or "keep", the last number it had (0: none), nonce, JSON for operators, "many": a
-- line may have several messages (a gateway older than 1.3 says nothing)
--   new   first command of a connection: a new number, above all that were ever in use
--   keep  refused unless it comes from the current link of a gateway whose lease holds
-- ok <message:id> <link> <settling 0/1> <count of the own channel> <count of group> <version>
--    <first id of the epoch> | link
-- Publishes the nonce on the gateway's own channel: what comes back proves the subscription.
local function renew(keys, args)
  local id, number = gateway_of(args[5]), integer(args[7], 'link', 12)
  local nonce = matching(args[8], '^%w+$', 'nonce')
  if args[6] ~= 'new' and args[6] ~= 'keep' then
    refuse('new or keep?')
  end
  local c = enter(keys, args)
  note(c)
  local link = text(number)
  if args[6] == 'keep' and not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  if args[6] == 'new' then
    link = next_link(c, number)
    call('HSET', c.prefix .. 'links', id, link)
  end
  note_renewal(c, id, link, nonce)
  call('ZADD', c.prefix .. 'gateways', text(c.time + c.lease), id)
  call('SET', c.prefix .. 'gateway:' .. id, args[9] or '', 'PX', text(c.lease))
  if args[10] ~= 'many' then
    note_single(c, c.time)
  end
  call('HSET', c.presence, 'library', VERSION)
  local group = call('HGET', c.prefix .. 'channels', 'group') or '0'
  local version = version_of(c)
  publish(c, 'to:' .. id, 'nonce', nonce .. ' ' .. group .. ' ' .. version .. ' ' .. c.epoch)
  local own = call('HGET', c.prefix .. 'channels', 'to:' .. id)
  return answer(c, 'ok', text(c.id), link, c.settle and '1' or '0', own, group, version, first_of(c))
end

-- A session at a gateway: what became of it, its user, how many became visible by it, where he left.
local function connect_one(c, id, link, hash)
  local status, user = owner_of(c, hash)
  if status ~= 'ok' then
    return { status }
  end
  local expires = tonumber(user.expires)
  if expires > 0 and c.time >= expires then
    if c.settle then
      return { 'unavailable' } -- nobody expires meanwhile
    end
    end_sessions(c, { user }, 'session_expired')
    return { 'unknown' }
  end
  local left, before = user.left or '', #c.changes
  attach(c, id, link, user)
  return { 'ok', user, #c.changes - before, left }
end

-- gateway, link, session hashes; for each of them, all in one, as one call is much cheaper than many:
-- ok <message:id> <name> <as typed> <login> <ms to the end, 0: none> <version> <floor>
--    <1: became visible with this version> <left: the id up to which he has everything, if he was in
--    grace; else empty> <first id of the epoch> <id of his newest direct message, 0: none>
--    | unknown | unavailable, followed by empty texts in place of the rest
-- | link
-- Who became visible with this version is all that changed with it; if anybody left, nobody is said to.
local function connect(keys, args)
  local id, link, hashes = gateway_of(args[5]), link_of(args[6]), { hash_of(args[7]) }
  for i = 8, #args do
    hashes[i - 6] = hash_of(args[i])
  end
  if #hashes > BATCH then
    refuse('at most ' .. BATCH .. ' sessions')
  end
  local c = enter(keys, args)
  note(c)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  local sessions, joined = {}, 0
  for i, hash in ipairs(hashes) do
    if #hashes == 1 then
      sessions[i] = connect_one(c, id, link, hash)
    else -- what is wrong with one of them must not harm the others
      local good, session = pcall(connect_one, c, id, link, hash)
      sessions[i] = good and session or { 'unavailable' }
    end
    joined = joined + (sessions[i][3] or 0)
  end
  announce(c)
  local state, flat = call('HMGET', c.presence, 'version', 'first'), {}
  local version, first, now = state[1] or '0', state[2] or '0', text(c.id)
  for k, session in ipairs(sessions) do
    local status, user, came, left = unpack(session)
    local fields = user and { status, c.epoch, now, user.key, user.name, user.login,
      text(expires_in(c, user)), version, user.floor, joined == #c.changes and text(came) or '0', left,
      first, newest_of(user) } or { status, c.epoch, '', '', '', '', '', '', '', '', '', '', '' }
    if #sessions == 1 then
      return fields
    end
    for i = 1, FIELDS do
      flat[(k - 1) * FIELDS + i] = fields[i] or '' -- (a hole would end the answer)
    end
  end
  return flat
end

-- gateway, link, session hash, and if it says so: the id up to which it has delivered everything to
-- the session (what was published since may still be on its way to the gateway)      ok | link
local function leave_session(keys, args)
  local id, link, hash = gateway_of(args[5]), link_of(args[6]), hash_of(args[7])
  local left = args[8] and integer(args[8], 'left')
  local c = enter(keys, args)
  note(c)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  local status, user = owner_of(c, hash)
  if status == 'ok' and user['at:' .. id] then
    detach(c, id, { user }, text(math.min(left or c.id, c.id)))
  end
  return answer(c, 'ok')
end

-- May a session that a gateway still holds, but Redis does not know so, exist (again)?
local function may_return(c, user, login)
  if c.caller == c.epoch or not c.settle then
    return false -- in this history it ended; or everybody has had the time to come back
  end
  return not user or login > tonumber(user.login)
end

local function reattach_one(c, id, link, s)
  local user = user_of(c, s.name)
  if not user or user.session ~= s.hash then
    -- (asked only here: "ended" may also be the name of a user)
    if call('GET', session_key(c, s.hash)) == 'ended' or not may_return(c, user, s.login) then
      return 'ended'
    end
    if user then
      end_sessions(c, { user }, 'kicked') -- the later login wins
    end
    -- What he was sent before this epoch is lost: to have seen an id of it is not enough.
    local floor = math.max(tonumber(first_of(c)) - 1, 0)
    make_session(c, s.name, s.shown, s.hash, s.login, s.rest > 0 and c.time + s.rest or 0, floor)
    user = user_of(c, s.name)
    local logins = tonumber(call('HGET', c.presence, 'logins') or 0)
    call('HSET', c.presence, 'logins', text(math.max(logins, s.login)))
  end
  attach(c, id, link, user)
  return 'ok', newest_of(user)
end

-- gateway, link, then for each session: hash, name, as typed, login, ms to the end (0: none)
-- ok <message:id> <version> <first id of the epoch> then for each "ok" or "ended", then for each
--    the id of the newest direct message (0: none)      | link
local function reattach(keys, args)
  local id, link, sessions = gateway_of(args[5]), link_of(args[6]), {}
  if (#args - 6) % 5 ~= 0 or #args > 6 + 5 * BATCH then
    refuse('sessions come in fives, at most ' .. BATCH)
  end
  for i = 7, #args, 5 do
    sessions[#sessions + 1] = { hash = hash_of(args[i]), name = name_of(args[i + 1]),
      shown = shown_of(args[i + 2]), login = integer(args[i + 3], 'login'),
      rest = integer(args[i + 4], 'rest') }
  end
  local c = enter(keys, args)
  note(c)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  local verdicts = {} -- and behind them as many ids
  for i, s in ipairs(sessions) do
    local verdict, last = reattach_one(c, id, link, s)
    verdicts[i], verdicts[#sessions + i] = verdict, last or '0'
  end
  announce(c)
  return answer(c, 'ok', text(c.id), version_of(c), first_of(c), unpack(verdicts, 1, 2 * #sessions))
end

-- gateway, link, cursor ("0" to begin): after everything was attached again, what is left of older
-- links of this gateway goes.    ok <next cursor, "0" at the end> | link
local function prune(keys, args)
  local id, link, cursor = gateway_of(args[5]), link_of(args[6]), args[7]
  integer(cursor, 'cursor')
  local c = enter(keys, args)
  note(c)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  local page = call('SSCAN', users_key(c, id), cursor, 'COUNT', BATCH)
  local _, sure, renewed, nonce = delivered(c, id)
  detach(c, id, served_by(c, id, page[2], tonumber(link) - 1), sure)
  if page[1] == '0' then
    note_delivered(c, id, link, sure, renewed, nonce)
    -- In the epoch of the caller: a younger one may have opened since it attached the first of them.
    call('HSET', c.presence, 'here:' .. id, c.caller)
  end
  return answer(c, 'ok', page[1])
end

-- gateway, link: the gateway stops and gives its lease back.      ok | link
local function leave(keys, args)
  local id, link = gateway_of(args[5]), link_of(args[6])
  local c = enter(keys, args)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  note_delivered(c, id, '0', text(c.id), text(c.id), '-') -- it has closed its sockets, and says so itself
  lapse(c, id)
  return answer(c, 'ok')
end

---------------------------------------------------------------------------------------------------
-- gateway-svc: send

-- What this client_id was used for before: "id sent_at digest", or nothing.  Two generations of
-- hashes, each filled for grace + 60 s, so that nothing grows and nothing is forgotten too early.
-- And when the younger of them was begun: its field '', because a client_id is never empty.  A minus
-- before it says that there is no older one.
local function sent_before(key, client_id)
  local young = call('HMGET', key, client_id, '')
  local born = young[2]
  if young[1] or born and born:byte() == 45 then
    return young[1], born
  end
  return call('HGET', key .. ':old', client_id), born
end

local function remember_sent(c, key, client_id, entry, born, now)
  local keep, mark = c.grace + SENT_EXTRA_MS, '-'
  local age = born and (born:byte() == 45 and now + born or now - born) -- (texts of digits)
  if age and age > keep then
    call('RENAME', key, key .. ':old')
    call('PEXPIRE', key .. ':old', keep)
    born, mark = nil, ''
  end
  if born then
    call('HSET', key, client_id, entry)
  else
    call('HSET', key, client_id, entry, '', mark .. text(now))
    call('PEXPIRE', key, 2 * keep)
  end
end

-- As the channels carry it behind the count.  (All at once: a long text costs ten instructions a byte
-- each time that it grows.)
local function message_of(id, hash, receiver_hash, client_id, sender, receiver, body, sent_at)
  return id .. ' ' .. hash .. ' ' .. receiver_hash .. ' ' .. client_id .. '\n{"message_id":' .. id ..
    ',"sender":"' .. sender .. '","receiver":"' .. receiver .. '","message_text":' .. body ..
    ',"sent_at":' .. sent_at .. '}'
end

-- What one call sends, beside its caller: when, for how long it is kept, and what is done at the end
-- of the call for all of it.
local function batch_of(keep, alone)
  local now = now_ms()
  return { now = now, sent_at = text(now), keep = keep,
    newest = false, -- id, as text
    people = {}, -- name -> correspondent, or false
    kept = false, -- the last of those whose inbox has more now; it knows the one before
    group = false, -- its window, once it has more
    lines = {}, kind = false, alone = alone } -- see line_up
end

local function person(c, b, name)
  local user = b.people[name]
  if user == nil then
    user = correspondent(c, name) or false
    b.people[name] = user
  end
  return user
end

-- Copies for those who return are kept for keep_ms at least: the key's time to live is set to twice that,
-- and again only when less than keep_ms of it is left.  Whatever was there when it was last set is older
-- than keep_ms then, and goes: unless it was set by a gateway that keeps for less long, and maybe a
-- moment ago.  So of who goes on writing there is what is up to twice keep_ms old, and nothing ever
-- stays for more than four times that.
local function must_prolong(b, until_ms)
  return until_ms - b.now < b.keep
end

-- So many of the oldest; returns the newest id that is gone, and the bytes of the rest (at least 0: some
-- of them may never have been counted, if somebody else put them there).
local function drop_oldest(key, count, gone, bytes)
  for _, message in ipairs(call('LPOP', key, count)) do
    bytes, gone = math.max(bytes - #message, 0), message:match('^%d+') or gone
  end
  return gone, bytes
end

-- What is too much goes, a sixteenth at a time.  Returns how many are left, the newest id that is gone,
-- the bytes of the rest, and the mark.
local function trim_inbox(key, length, gone, bytes, mark)
  local old, keep = mark_of(mark)
  while length > INBOX_MIN and (length > INBOX_MAX or bytes > INBOX_BYTES) do
    local count = math.max(math.floor(length / 16), 1)
    gone, bytes = drop_oldest(key, count, gone, bytes)
    length, old = length - count, math.max(old - count, 0)
  end
  return length, gone, bytes, old .. ' ' .. keep
end

-- Sets its expiry, and takes what is too old; all that is left will be old next time.  Returns when it
-- expires, the newest id that is gone, the bytes of the rest, and the mark.
local function prolong_inbox(b, key, length, gone, bytes, mark)
  local old, keep = mark_of(mark)
  old = keep >= b.keep and math.min(old, length - 1) or 0
  call('PEXPIRE', key, 2 * b.keep)
  if old > 0 then
    gone, bytes = drop_oldest(key, old, gone, bytes)
  end
  return text(b.now + 2 * b.keep), gone, bytes, length - old .. ' ' .. b.keep
end

-- One more message in an inbox.  If it is the only one, all before it are gone.  (Texts of digits may
-- be counted with.)
local function keep_direct(c, b, user, id, message)
  local last, gone, bytes, until_ms, mark = inbox_of(user)
  local key = inbox_key(c, user.key)
  local length = call('RPUSH', key, message)
  if length == 1 then
    gone, bytes, until_ms = last, 0, 0
  end
  bytes = bytes + #message
  if length > INBOX_MAX or bytes > INBOX_BYTES then -- (mostly not)
    length, gone, bytes, mark = trim_inbox(key, length, gone, bytes, mark)
  end
  if must_prolong(b, until_ms) then
    until_ms, gone, bytes, mark = prolong_inbox(b, key, length, gone, bytes, mark)
  end
  user.inbox = id .. ' ' .. gone .. ' ' .. text(bytes) .. ' ' .. until_ms .. ' ' .. mark
  if user.kept_before == nil then
    user.kept_before, b.kept = b.kept, user
  end
end

local function note_inboxes(c, user)
  while user do
    call('HSET', user_key(c, user.key), 'inbox', user.inbox)
    user = user.kept_before
  end
end

-- Of the group's stream: the newest id; the mark, which was the newest when its time to live was last
-- set; when it expires.
local function group_window(c)
  local state = call('HMGET', c.presence, 'group', 'group_mark', 'group_until')
  local window = { newest = state[1] or '0', mark = state[2] or '0', until_ms = state[3] or 0 }
  if tonumber(window.newest) >= c.id then
    call('UNLINK', c.prefix .. 'group') -- somebody set message:id back: a stream's ids must rise
    window.mark, window.until_ms = '0', 0
  end
  return window
end

-- The same of the group.  What came before the mark is older than keep_ms when the time to live is
-- set again.
local function keep_group(c, b, id, message)
  b.group = b.group or group_window(c)
  local key, window = c.prefix .. 'group', b.group
  call('XADD', key, 'MAXLEN', '~', GROUP_MAX, id .. '-0', 'p', window.newest, 'm', message)
  window.newest = id
  if must_prolong(b, window.until_ms) then
    call('PEXPIRE', key, 2 * b.keep)
    if (call('HGET', c.presence, 'group_keep') or 0) + 0 >= b.keep then
      call('XTRIM', key, 'MINID', '~', window.mark)
    end
    window.mark, window.until_ms, window.keep = id, text(b.now + 2 * b.keep), b.keep
  end
end

local function note_group(c, window)
  if window and window.keep then
    call('HSET', c.presence, 'group', window.newest, 'group_mark', window.mark, 'group_until', window.until_ms,
      'group_keep', text(window.keep))
  elseif window then
    call('HSET', c.presence, 'group', window.newest)
  end
end

-- The channels of some gateways, once each.  Most messages have the same ones, and it takes long to
-- take a text apart.
local routes, routes_known = {}, 0
local function route_of(gateways)
  local channels = routes[gateways]
  if not channels then
    if routes_known == ROUTES then
      routes, routes_known = {}, 0
    end
    channels = {}
    for id in gateways:gmatch('%S+') do
      local channel = 'to:' .. id
      if not channels[channel] then
        channels[channel], channels[#channels + 1] = true, channel
      end
    end
    routes[gateways], routes_known = channels, routes_known + 1
  end
  return channels
end

-- To the group, or to every gateway that serves the receiver or the sender, once each.
local GROUP = { 'group' }
local function channels_of(user, receiver)
  return receiver and route_of(user.gateways .. ' ' .. receiver.gateways) or GROUP
end

-- Messages are published at the end of the call, those of one channel in one line: { message...,
-- channel = its name }.  `lines` has them in order, and those that may grow by channel, too: none of
-- the other kind, because a user hears the group and his gateway's own, and ids must rise for him.
-- The message of a call that has no other needs no lines: `alone` is the message then, and `lines` are
-- its channels.
local function line_up(b, channels, message)
  if b.alone then
    b.lines, b.alone = channels, message
    return
  end
  local lines = b.lines
  if b.kind ~= (channels == GROUP) then
    b.kind = channels == GROUP
    for i = 1, #lines do
      lines[lines[i].channel] = nil
    end
  end
  for i = 1, #channels do
    local channel = channels[i]
    local line = lines[channel]
    if line then
      line[#line + 1] = message
    else
      line = { message, channel = channel }
      lines[channel], lines[#lines + 1] = line, line
    end
  end
end

-- Does somebody listen who takes a line for one message?  When nothing is noted, whoever is there may.
local function has_single(c, b)
  local state = call('HMGET', c.presence, 'single', 'skew')
  local time = b.now - (state[2] or 0)
  if not state[1] then
    note_single(c, time)
  end
  return not state[1] or time < tonumber(state[1])
end

-- (Long texts are costly, so each line is made at once.)
local function publish_line(c, line)
  line[1] = 'message ' .. next_count(c, line.channel) .. ' ' .. line[1]
  call('PUBLISH', c.prefix .. line.channel, #line == 1 and line[1] or concat(line, '\n'))
end

local function publish_singly(c, line)
  for j = 1, #line do
    publish(c, line.channel, 'message', line[j])
  end
end

-- One that cannot be published keeps back no other; then nobody knows what became of the call.
local function publish_lines(c, b)
  local single, failed
  for i = 1, #b.lines do
    local line, good, why = b.lines[i], nil, nil
    if b.alone then
      good, why = pcall(publish, c, line, 'message', b.alone)
    else
      if #line > 1 and single == nil then
        single = has_single(c, b)
      end
      good, why = pcall(single and publish_singly or publish_line, c, line)
    end
    failed = failed or not good and why
  end
  if failed then
    error(failed, 0)
  end
end

-- Was the client_id used for another message?  Before 1.3 the digest was SHA-1; a gateway of then
-- cannot tell what a newer one has noted.
local function is_other(was, digest, to, body)
  if #was == #digest then
    return was ~= digest
  end
  return #was == 40 and sha1hex(to .. '\n' .. body) ~= was
end

-- The message in six arguments, from this place on.
-- ok <id> | dup <id> <the message as JSON> | no_such_user | conflict | ended | unavailable
local function send_one(c, b, args, i)
  local hash, to, client_id, body, digest = args[i], args[i + 2], args[i + 3], args[i + 4], args[i + 5]
  local user = person(c, b, args[i + 1])
  if not user or user.session ~= hash then
    return 'ended'
  end
  local receiver = to ~= 'group' and person(c, b, to)
  local shown = receiver and receiver.name or to
  local sent, before, born
  -- Before the receiver is looked at: a retry is confirmed even when the receiver left since.
  if client_id ~= '' then
    sent = c.prefix .. 'sent:' .. user.key
    before, born = sent_before(sent, client_id)
  end
  if before then
    local first, then_at, was = before:match('^(%d+) (%d+) (%x+)$')
    if is_other(was, digest, to, body) then
      return 'conflict'
    end
    return 'dup ' .. first .. ' ' ..
      message_of(first, hash, '-', client_id, user.name, shown, body, then_at):match('\n(.*)')
  end
  if to ~= 'group' and not (receiver and receiver.online) then
    return c.settle and 'unavailable' or 'no_such_user'
  end
  c.id = c.id + 1
  local id = text(c.id)
  b.newest = id -- even if it fails behind this: something of it may be kept
  local message = message_of(id, hash, receiver and receiver.session or '-', client_id, user.name, shown, body,
    b.sent_at)
  if not receiver then
    keep_group(c, b, id, message)
  else -- into both inboxes: the sender's for his other sockets
    keep_direct(c, b, receiver, id, message)
    if receiver ~= user then
      keep_direct(c, b, user, id, message)
    end
  end
  if client_id ~= '' then
    remember_sent(c, sent, client_id, id .. ' ' .. b.sent_at .. ' ' .. digest, born, b.now)
  end
  line_up(b, channels_of(user, receiver), message)
  return 'ok ' .. id
end

-- Messages, in six arguments each, from that place on; message:id and the fate of each go into
-- `reply`, behind its first two.  One after the other, as if each came alone; what they have in common is done once.  The
-- fault of a key that one of them needs (somebody put another type there) is that one's alone.
local function send_all(c, keep, args, from, reply)
  local b = batch_of(keep, from + 6 > #args)
  for i = from, #args, 6 do
    local good, fate = pcall(send_one, c, b, args, i)
    reply[4 + (i - from) / 6] = good and fate or 'failed ' .. (type(fate) == 'table' and fate.err or fate)
  end
  if b.newest then
    call('SET', c.prefix .. 'message:id', b.newest) -- before anybody is told
    note_inboxes(c, b.kept)
    note_group(c, b.group)
    publish_lines(c, b)
  end
  reply[3] = b.newest or text(c.id)
  return reply
end

local function check_client_id(client_id)
  if client_id ~= '' and (quoted(client_id, 'client_id') == '""' or client_id:find('\n', 1, true)) then
    refuse('bad client_id') -- a line break would end the head of the message
  end
end

local function keep_of(value)
  local keep = setting(value, 'keep_ms')
  if keep == 0 then
    refuse('keep_ms must not be 0')
  end
  return keep
end

-- Of all messages of a call.
local function refusal(c, id, link)
  if not link_holds(c, id, link) then
    return 'link'
  elseif not takes_messages(c) then
    return 'unavailable'
  end
end

-- gateway, link, sender's session hash, sender's name, receiver (lower case) or "group",
-- client_id as a JSON string or "", message_text as a JSON string, keep_ms or nothing (1.0)
-- ok <id> | dup <id> <the message as JSON> | no_such_user | conflict | ended | unavailable | link
-- For gateways older than 1.3.
local function send_single(keys, args)
  local id, link = gateway_of(args[5]), link_of(args[6])
  local hash, name, to = hash_of(args[7]), name_of(args[8]), name_of(args[9])
  local client_id, body = args[10] or '', quoted(args[11], 'text')
  local keep = args[12] and keep_of(args[12])
  check_client_id(client_id)
  local c = enter(keys, args)
  local why = refusal(c, id, link)
  if why then
    return answer(c, why)
  end
  local message = { hash, name, to, client_id, body, sha1hex(to .. '\n' .. body) }
  local fate = send_all(c, keep or c.grace + c.lease + PINGS_MS, message, 1, {})[4]
  local status, number, json = fate:match('^(%S+) ?(%d*) ?(.*)$')
  if status == 'failed' then
    error({ err = json })
  end
  return answer(c, status, number ~= '' and number or nil, json ~= '' and json or nil)
end

-- gateway, link, keep_ms: how long whoever is not there may still return and ask for a message; then
-- for each message: sender's session hash, sender's name, receiver (lower case) or "group", client_id
-- as a JSON string or "", message_text as a JSON string, a digest of receiver and text: 16 hex digits
-- ok <message:id> then for each, in one text: ok <id> | dup <id> <the message as JSON> | no_such_user
--    | conflict | ended | unavailable | failed <why>        | unavailable | link
-- (Names and hashes need no check: users are looked for by them, and go by what is stored.)
-- Where Redis has loaded shared/parley_module, that does the same for messages that are ok, and calls
-- this for all others.
local function send(keys, args)
  if #args < 13 then
    return send_single(keys, args)
  end
  local id, link, keep = gateway_of(args[5]), link_of(args[6]), keep_of(args[7])
  if (#args - 7) % 6 ~= 0 or #args > 7 + 6 * BATCH then
    refuse('messages come in sixes, at most ' .. BATCH)
  end
  for i = 8, #args, 6 do
    check_client_id(args[i + 3])
    quoted(args[i + 4], 'text')
    if #args[i + 5] ~= 16 then
      refuse('bad digest')
    end
  end
  local c = enter(keys, args)
  local why = refusal(c, id, link)
  if why then
    return answer(c, why)
  end
  return send_all(c, keep, args, 8, { 'ok', c.epoch, '', '' })
end

---------------------------------------------------------------------------------------------------
-- gateway-svc: what somebody missed
--
-- Inbox and group give the messages behind `after` as { id, message }, rising, and say whether they
-- are whole: none that came behind `after` is missing.

-- All of them; most of those who return missed little, so mostly the newest are enough.
local function missed_direct(c, user, after)
  local messages, list = {}, {}
  local last, gone = inbox_of(user)
  for _, from in ipairs({ -8, -PAGE, 0 }) do
    messages = call('LRANGE', inbox_key(c, user.key), from, -1)
    if #messages == 0 or tonumber(messages[1]:match('^%d+')) <= after then break end
  end
  if #messages == 0 then
    gone = last -- expired
  end
  for _, message in ipairs(messages) do
    local id = tonumber(message:match('^%d+'))
    if id > after then
      list[#list + 1] = { id, message }
    end
  end
  return list, tonumber(gone) <= after
end

-- As many as fill a page and one more.
local function missed_group(c, after)
  local newest = tonumber(call('HGET', c.presence, 'group') or 0)
  local list, whole, bytes, at = {}, newest <= after, 0, after
  repeat
    local entries = call('XRANGE', c.prefix .. 'group', '(' .. text(at) .. '-0', '+', 'COUNT', PAGE / 4)
    for _, entry in ipairs(entries) do
      local prev, message = tonumber(entry[2][2]), entry[2][4]
      whole = whole or #list == 0 and prev <= after
      at, bytes = tonumber(entry[1]:match('^%d+')), bytes + #message
      list[#list + 1] = { at, message }
    end
  until #entries < PAGE / 4 or #list > PAGE or bytes > PAGE_BYTES
  return list, whole, newest
end

local function merge(a, b)
  local all, i, j = {}, 1, 1
  while a[i] or b[j] do
    if not b[j] or a[i] and a[i][1] < b[j][1] then
      all[#all + 1], i = a[i], i + 1
    else
      all[#all + 1], j = b[j], j + 1
    end
  end
  return all
end

-- The first of a list, as many as make a page, behind what an answer begins with: whole, more, and
-- from where to go on, which is `done` at the end.
local function page_of(list, whole, done)
  local page, bytes, after = {}, 0, done
  for i = 1, #list do
    bytes = bytes + #list[i][2]
    if i > PAGE or i > 1 and bytes > PAGE_BYTES then
      after = list[i - 1][1]
      break
    end
    page[i] = list[i][2]
  end
  return page, whole and '1' or '0', #page < #list and '1' or '0', text(after)
end

-- gateway, link, session hash, after: the last id that the client has, "all" or "inbox"
-- ok <message:id> <whole 0/1> <more 0/1> <where to go on> messages...
--    | unknown | unavailable | link
-- A message is what the channels carry behind the count.  Not whole: something behind `after` is
-- lost, because it was too much or too long ago, or Redis lost data since.
local function replay(keys, args)
  local id, link, hash = gateway_of(args[5]), link_of(args[6]), hash_of(args[7])
  local after, what = integer(args[8], 'after'), args[9]
  if what ~= 'all' and what ~= 'inbox' then
    refuse('all or inbox?')
  end
  local c = enter(keys, args)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  local status, user = owner_of(c, hash)
  if status ~= 'ok' or not user['at:' .. id] then
    return answer(c, status ~= 'ok' and status or 'unknown')
  end
  after = math.max(after, tonumber(user.floor))
  local list, whole = missed_direct(c, user, after)
  if what == 'all' then
    local group, group_whole = missed_group(c, after)
    list, whole = merge(list, group), whole and group_whole
  end
  whole = whole and after >= tonumber(first_of(c)) and after <= c.id
  local page, is_whole, more, next_after = page_of(list, whole, c.id)
  return answer(c, 'ok', text(c.id), is_whole, more, next_after, unpack(page))
end

-- gateway, link, after: the same for the group alone, for a gateway that missed something
-- ok <message:id> <whole 0/1> <more 0/1> <where to go on: at the end the newest> <count of group>
--    messages...      | link
local function group(keys, args)
  local id, link, after = gateway_of(args[5]), link_of(args[6]), integer(args[7], 'after')
  local c = enter(keys, args)
  if not link_holds(c, id, link) then
    return answer(c, 'link')
  end
  local list, whole, newest = missed_group(c, after)
  whole = whole and after >= tonumber(first_of(c)) and after <= c.id
  local page, is_whole, more, next_after = page_of(list, whole, newest)
  return answer(c, 'ok', text(c.id), is_whole, more, next_after,
    call('HGET', c.prefix .. 'channels', 'group') or '0', unpack(page))
end

---------------------------------------------------------------------------------------------------
-- gateway-svc: the list of users

-- cursor ("0" to begin)      ok <version> <settling 0/1> <next cursor> names...
-- Pages are read at different moments; whoever has them all then asks for the changes since the
-- first page's version, and has the exact list.
local function roster(keys, args)
  local cursor = args[5]
  integer(cursor, 'cursor')
  local c = enter(keys, args)
  local page = call('SSCAN', c.prefix .. 'online', cursor, 'COUNT', 500)
  return answer(c, 'ok', version_of(c), c.settle and '1' or '0', page[1], unpack(page[2]))
end

-- version      ok <version now> then for each change: version, changes     | trimmed
-- At most 64 changes; ask again until the version is reached.  The version must be of the epoch that
-- is answered: after a change of epoch the whole list has to be read.
local function changes(keys, args)
  local from = integer(args[5], 'version')
  local c = enter(keys, args)
  local now = tonumber(version_of(c))
  local list = call('XRANGE', c.prefix .. 'presence:log', text(from + 1) .. '-0', '+', 'COUNT', BATCH)
  if from > now or (from < now and (#list == 0 or list[1][1] ~= text(from + 1) .. '-0')) then
    return answer(c, 'trimmed')
  end
  local flat = {}
  for _, entry in ipairs(list) do
    flat[#flat + 1] = entry[1]:match('^%d+')
    flat[#flat + 1] = entry[2][2]
  end
  return answer(c, 'ok', text(now), unpack(flat))
end

---------------------------------------------------------------------------------------------------
-- presence-svc: sweep

local DUE = { 'name', 'session', 'expires', 'online' }

-- Is this the end of a user whose deadline has come?  That is decided here, not by whoever woke the
-- sweep.  Whoever has not ended gets the next deadline.
local function take_due(c, name, user)
  if not user then
    call('ZREM', c.prefix .. 'deadlines', name)
    return false
  end
  local expires = tonumber(user.expires)
  local too_old = expires > 0 and c.time >= expires
  if not too_old and user.gateways ~= '' then
    watch_expiry(c, user)
    return false
  end
  return true
end

-- At most so many members whose time has come, the most overdue first, and the time of each.
local function up_to_now(c, key, limit)
  local flat = call('ZRANGEBYSCORE', c.prefix .. key, '-inf', text(c.time), 'WITHSCORES', 'LIMIT', '0', limit)
  local names, scores = {}, {}
  for i = 1, #flat, 2 do
    names[#names + 1], scores[flat[i]] = flat[i], tonumber(flat[i + 1])
  end
  return names, scores
end

-- ok <more to do at once 0/1> <users ended> <users detached> <gateways lapsed> <settling 0/1>
--    <ms by which the most overdue of those ended and lapsed is late, 0: none> the gateways lapsed...
-- At most 32 users a call, so that nobody waits for it; deadlines have half of them for sure, so that
-- nobody's end waits for the many users of a dead gateway.
local function sweep(keys, args)
  local c = enter(keys, args)
  note(c)
  if c.settle then
    open_early(c)
    return answer(c, 'ok', '0', '0', '0', '0', '1', '0')
  end
  local oldest = c.time
  local silent, lease_ends = up_to_now(c, 'gateways', '4')
  for _, id in ipairs(silent) do
    lapse(c, id)
    oldest = math.min(oldest, lease_ends[id])
  end
  local room = call('EXISTS', c.prefix .. 'lapsed') == 1 and SWEPT / 2 or SWEPT
  local due, deadlines = up_to_now(c, 'deadlines', text(room))
  local ended, detached, full = {}, 0, #due == room
  for _, name in ipairs(due) do
    local user = user_with(c, name, DUE)
    if take_due(c, name, user) then
      ended[#ended + 1] = user
      oldest = math.min(oldest, deadlines[name])
    end
  end
  end_sessions(c, ended, 'session_expired')
  room = SWEPT - #due
  for _, entry in ipairs(call('SRANDMEMBER', c.prefix .. 'lapsed', '4')) do
    local looked, gone = drain(c, entry, text(room))
    detached, room = detached + gone, room - looked
    if room == 0 then break end
  end
  announce(c)
  local more = (full or call('EXISTS', c.prefix .. 'lapsed') == 1) and '1' or '0'
  return answer(c, 'ok', more, text(#ended), text(detached), text(#silent), '0', text(c.time - oldest),
    unpack(silent))
end

---------------------------------------------------------------------------------------------------
-- For operators, with redis-cli: no caller in front of the arguments

-- Does that name in the list of users stand for him?  Of a user whose key is gone (DEL, or a Redis that
-- may evict) the name is left there, where nothing ends it, whoever logs in under it later, and in
-- whatever letters.
local function is_listed(user, shown)
  return user and user.online and user.name == shown
end

-- `shown` as it stands in the list.
local function strike(c, shown)
  if call('SREM', c.prefix .. 'online', shown) == 0 then
    return false
  end
  c.changes[1] = '-' .. shown
  announce(c)
  return true
end

-- FCALL parley_kick 1 {chat}: alice
local function kick(keys, args)
  local prefix, name = prefix_of(keys), name_of((args[1] or ''):lower())
  local c = { prefix = prefix, presence = prefix .. 'presence', changes = {} }
  c.epoch = call('HGET', c.presence, 'epoch') or ''
  local user = user_of(c, name)
  if not is_listed(user, args[1]) and strike(c, args[1]) then
    return 'struck off the list: ' .. args[1]
  elseif not user then
    return 'no such user: ' .. name
  end
  end_sessions(c, { user }, 'kicked')
  announce(c)
  return 'kicked ' .. user.name
end

local function seconds(ms)
  return format('%.0f', math.max(ms, 0) / 1000) .. ' s'
end

local function describe(prefix, shown, now, skew)
  local name = shown:lower()
  local user = user_of({ prefix = prefix }, name)
  if not is_listed(user, shown) then
    return shown .. ': only the name is left, parley_kick strikes it off'
  end
  local where = 'on ' .. user.gateways:gsub(' ', ', ')
  if user.gateways == '' then
    local deadline = tonumber(call('ZSCORE', prefix .. 'deadlines', name) or 0)
    where = 'in grace, ' .. seconds(deadline + skew - now) .. ' left'
  end
  return shown .. ': online for ' .. seconds(now - tonumber(user.online)) .. ', ' .. where
end

-- FCALL_RO parley_who 1 {chat}:    one line per user; of very many, some and the number of the others
local function who(keys)
  local prefix, lines, cursor = prefix_of(keys), {}, '0'
  local now, skew = now_ms(), tonumber(call('HGET', prefix .. 'presence', 'skew') or 0)
  repeat
    local page = call('SSCAN', prefix .. 'online', cursor, 'COUNT', 100)
    for _, shown in ipairs(page[2]) do
      lines[#lines + 1] = describe(prefix, shown, now, skew)
    end
    cursor = page[1]
  until cursor == '0' or #lines >= WHO_MAX
  table.sort(lines)
  if cursor ~= '0' then
    lines[#lines + 1] = '... and ' .. text(call('SCARD', prefix .. 'online') - #lines) .. ' more'
  end
  return lines
end

-- FCALL parley_first 1 {chat}:
-- For whoever has just started an empty Redis and no service yet: opens the first epoch without
-- settling, because there is nobody to come back.
local function first(keys)
  local prefix = prefix_of(keys)
  local c = { prefix = prefix, presence = prefix .. 'presence', id = 0, seen = 0, grace = 0, lease = 0 }
  if call('EXISTS', c.presence, c.prefix .. 'message:id', c.prefix .. 'gateways', c.prefix .. 'links',
    c.prefix .. 'deadlines', c.prefix .. 'online') > 0 then
    refuse('not the first: there is state already')
  end
  open_epoch(c, server_run())
  call('HDEL', c.presence, 'settle')
  call('HSET', c.presence, 'first', '0', 'single', '0')
  call('SET', c.prefix .. 'message:id', '0')
  return 'ok'
end

local function version()
  return VERSION
end

-- allow-oom: what frees memory or keeps the living alive must work when Redis is full.  Only logins
-- and messages need room that nobody gives back soon: they are refused.
local functions = {
  { 'parley_version',  version,       { 'no-writes' } },
  { 'parley_login',    login,         {} },
  { 'parley_session',  session,       { 'allow-oom' } },
  { 'parley_logout',   logout,        { 'allow-oom' } },
  { 'parley_renew',    renew,         { 'allow-oom' } },
  { 'parley_connect',  connect,       { 'allow-oom' } },
  { 'parley_detach',   leave_session, { 'allow-oom' } },
  { 'parley_reattach', reattach,      { 'allow-oom' } },
  { 'parley_prune',    prune,         { 'allow-oom' } },
  { 'parley_leave',    leave,         { 'allow-oom' } },
  { 'parley_send',     send,          {} },
  { 'parley_replay',   replay,        { 'allow-oom' } },
  { 'parley_group',    group,         { 'allow-oom' } },
  { 'parley_roster',   roster,        { 'allow-oom' } },
  { 'parley_changes',  changes,       { 'allow-oom' } },
  { 'parley_sweep',    sweep,         { 'allow-oom' } },
  { 'parley_kick',     kick,          { 'allow-oom' } },
  { 'parley_who',      who,           { 'no-writes' } },
  { 'parley_first',    first,         {} },
}
for i = 1, #functions do -- (no ipairs while the library is loaded)
  local f = functions[i]
  local function callback(keys, args)
    if not call then
      call, sha1hex, format, tonumber, pcall, concat = lent()
    end
    return f[2](keys, args)
  end
  redis.register_function({ function_name = f[1], callback = callback, flags = f[3] })
end
