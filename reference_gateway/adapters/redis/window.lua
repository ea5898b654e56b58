-- Decide, for each window in KEYS, how many of its asks are admitted, in one go that nothing can come between.
--
-- ARGV: now in us ('' is this server's own clock), last moment at which to decide at all (0: none), ms to keep a key
-- beyond its window; for each key 'limit window asks' (the window in us), all joined by blanks.
-- Answers 'now' and for each key 'admitted free reset', joined by blanks; 'now' alone if it came too late.
--
-- A window is a sorted set, one member an admission: its score the microsecond (exact in a double until the year
-- 2255), its name a sequence number in six bytes. Numbers rise with the scores, so the newest member names the last
-- one given, and two admissions of the same microsecond never share a name.

local call = redis.call
local function text(number) return string.format('%.0f', number) end

local now, last, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local clock = call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

local moment = text(now)

-- A stalled server finds asks in its sockets that were answered elsewhere long ago. They must not count here as well.
if last > 0 and now > last then return moment end

-- Where the clock stepped back, what lies in the future happened now. Kept as it is, it would bar the identity for as
-- long as the step; dropped, it would let twice the limit through; moved to now, it bars for one window at most.
local function settle(key)
  for _, member in ipairs(call('ZRANGEBYSCORE', key, '(' .. moment, '+inf')) do
    call('ZADD', key, moment, member)
  end
end

local function add(key, sequence, times, window)
  local members = {}
  for n = 1, times do
    members[2 * n - 1] = moment
    members[2 * n] = struct.pack('>I6', sequence + n)
  end
  call('ZADD', key, unpack(members))
  call('PEXPIRE', key, text(math.ceil(window / 1000) + keep))
end

local answers = {moment}
local policies = string.gmatch(ARGV[4], '(%d+) (%d+) (%d+)')
for _, key in ipairs(KEYS) do
  local limit, window, asked = policies()
  limit, window, asked = tonumber(limit), tonumber(window), tonumber(asked)

  call('ZREMRANGEBYSCORE', key, '-inf', text(now - window))
  local newest = call('ZRANGE', key, -1, -1, 'WITHSCORES')
  local sequence = 0
  if newest[1] then
    sequence = struct.unpack('>I6', newest[1])
    if tonumber(newest[2]) > now then settle(key) end
  end

  local counted = call('ZCARD', key)
  local admitted = math.max(0, math.min(asked, limit - counted))
  if admitted > 0 then add(key, sequence, admitted, window) end

  -- Whoever must leave before the next is admitted: the oldest, or a later one where the limit was lowered meanwhile.
  local first = math.max(0, counted + admitted - limit)
  local oldest = call('ZRANGE', key, first, first, 'WITHSCORES')[2]
  answers[#answers + 1] = table.concat({admitted, math.max(0, limit - counted - admitted), text(oldest + window - now)}, ' ')
end
return table.concat(answers, ' ')
