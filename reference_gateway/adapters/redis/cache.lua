-- One cache key in one hash: its newest entry, and who may fetch the next one. Nothing can come between.
--
-- Fields: epoch (the newest number given), floor (the newest epoch that was invalidated), token, lease (its epoch),
-- until and began of the lease; entry (its epoch), taken, as_of, took and body of the entry.
--
-- ARGV: verb, now in ms ('' is this server's own clock), last moment at which to do anything (0: none), ms to keep the
-- hash, channel to tell of what changed ('' is none); then the verb's own.
-- Answers {now, ...}; {now} alone if it came too late.
--
-- Epochs rise with every lease and invalidation. They begin at the clock, so they rise even over the loss of the hash.

local call = redis.call
local key, verb, now, last, keep, channel = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
if not now then
  local clock = call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- A stalled server finds words in its sockets whose speaker gave up long ago: a lease of his would bar all others.
if last > 0 and now > last then return {now} end

local function text(number) return string.format('%.0f', number) end
local function number(field) return tonumber(call('HGET', key, field) or 0) end
local function set(...)
  call('HSET', key, ...)
  call('PEXPIRE', key, keep)
end
local function tell(news)
  if channel ~= '' then call('PUBLISH', channel, news) end
end
local function is_ours(token)
  return call('HGET', key, 'token') == token and number('until') > now
end
local function give_back()
  call('HDEL', key, 'token', 'lease', 'until', 'began')
end

local verbs = {}

-- token, lease ms, ttl ms, ms of use, newer than this epoch, have this epoch
function verbs.ask(token, lease, ttl, use, newer, have)
  local entry, floor, taken = number('entry'), number('floor'), number('taken')
  if entry > 0 and now >= taken + tonumber(use) then
    call('HDEL', key, 'entry', 'taken', 'as_of', 'took', 'body')
    entry = 0
  end
  local fresh = entry > math.max(floor, tonumber(newer)) and now < taken + tonumber(ttl)
  local leased, busy = 0, 0
  if not fresh then
    busy = number('until') - now
    if busy <= 0 then
      leased, busy = math.max(number('epoch') + 1, now), 0
      set('epoch', text(leased), 'lease', text(leased), 'token', token, 'until', text(now + tonumber(lease)), 'began', text(now))
    end
  end
  local told = {now, leased, busy, fresh and 1 or 0}
  if entry > 0 and (fresh or entry ~= tonumber(have)) then
    local about = call('HMGET', key, 'as_of', 'took', 'body')
    for _, value in ipairs({entry, taken, entry <= floor and 1 or 0, about[1], about[2], about[3]}) do
      told[#told + 1] = value
    end
  end
  return told
end

-- token, as_of, took, body
function verbs.write(token, as_of, took, body)
  if not is_ours(token) then return {now, 0} end
  local lease, began = number('lease'), number('began')
  give_back()
  if lease > number('entry') then
    set('entry', text(lease), 'taken', text(began), 'as_of', as_of, 'took', took, 'body', body)
  end
  tell('filled ' .. key)
  return {now, 1}
end

-- token, lease ms
function verbs.renew(token, lease)
  if not is_ours(token) then return {now, 0} end
  set('until', text(now + tonumber(lease)))
  return {now, 1}
end

-- token
function verbs.release(token)
  if not is_ours(token) then return {now, 0} end
  give_back()
  tell('free ' .. key)
  return {now, 1}
end

function verbs.invalidate()
  local floor = text(math.max(number('epoch'), now))
  set('epoch', floor, 'floor', floor)
  tell('outdated ' .. floor .. ' ' .. key)
  return {now, tonumber(floor)}
end

function verbs.floor()
  return {now, number('floor')}
end

return verbs[verb](unpack(ARGV, 6))
