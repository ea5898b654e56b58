-- All that instances share of one provider, in one hash: its breaker, its endpoints' health, its pause and its rate.
-- The rules are those of core/upstream, word for word; nothing can come between.
--
-- Fields: period, state, results ('1' for each of the last calls that failed, '0' for the others), opened, trials (when
-- each began, 0 once it succeeded, joined by blanks), held, next (us); of each endpoint, counted from 0: took:0 (ms of
-- its last attempts), failed:0 (in a row), out:0, checked:0. Moments in ms; what is not there is 0 or empty.
--
-- ARGV: verb, now in ms ('' is this server's own clock), last moment at which to do anything (0: none), ms to keep the
-- hash; then, but for `turn`, the provider's rules: window, failure rate, open ms, trials, trial ms, us between two
-- calls (0: no bound), endpoints; then the verb's own.
-- Answers {now, what it says, number, number, all fields in the order above}; {now} alone if it came too late.

local call = redis.call
local key, verb, now, last, keep = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if not now then
  local clock = call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- A stalled server finds words in its sockets whose speaker gave up long ago: a trial of his would be lost.
if last > 0 and now > last then return {now} end

local LAST, FAILURES_OUT, HOLD_MAX = 10, 3, 86400000

local function text(number) return string.format('%.0f', number) end

-- {now, 1 if it is time again for what this key names}
if verb == 'turn' then
  local done, every = tonumber(call('GET', key)), tonumber(ARGV[5])
  if done and done <= now and now < done + every then return {now, 0} end
  call('SET', key, text(now), 'PX', math.max(every, tonumber(keep)))
  return {now, 1}
end

local window, rate, open_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local trials_max, trial_ms, interval, endpoints = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])

local names = {'period', 'state', 'results', 'opened', 'trials', 'held', 'next'}
for index = 0, endpoints - 1 do
  for _, name in ipairs({'took:', 'failed:', 'out:', 'checked:'}) do names[#names + 1] = name .. index end
end
local known = call('HMGET', key, unpack(names))
local fields = {}
for index, name in ipairs(names) do fields[name] = known[index] or '' end

local function number(name) return tonumber(fields[name]) or 0 end
local function split(list)
  local found = {}
  for each in string.gmatch(list, '%d+') do found[#found + 1] = tonumber(each) end
  return found
end
local function join(list)
  local texts = {}
  for index, each in ipairs(list) do texts[index] = text(each) end
  return table.concat(texts, ' ')
end

local period, state, results, opened = number('period'), fields.state, fields.results, number('opened')
local trials, held, next_us = split(fields.trials), number('held'), number('next')
if state == '' then state = 'closed' end

-- Nothing of a period outlives it. Periods go by the clock, so they rise even over the loss of the hash.
local function begin(new, at)
  period, state, results, opened, trials = math.max(period + 1, at), new, '', 0, {}
end
local function open(at)
  begin('open', at)
  opened = at
end

-- Where the clock stepped back, what lies in the future happened now. A trial whose result is overdue failed then.
opened = math.min(opened, now)
local due = math.huge
for index, began in ipairs(trials) do
  if began > 0 then
    trials[index] = math.min(began, now)
    due = math.min(due, trials[index] + trial_ms)
  end
end
if due <= now then open(due) end

local function answer(said, one, two)
  fields.period, fields.state, fields.results, fields.opened = text(period), state, results, text(opened)
  fields.trials, fields.held, fields.next = join(trials), text(held), text(next_us)
  local told = {now, said, one or 0, two or 0}
  for _, name in ipairs(names) do told[#told + 1] = fields[name] end
  return told
end
local function save(said, one, two)
  local told = answer(said, one, two)
  local pairs_of = {}
  for _, name in ipairs(names) do
    pairs_of[#pairs_of + 1] = name
    pairs_of[#pairs_of + 1] = fields[name]
  end
  call('HSET', key, unpack(pairs_of))
  call('PEXPIRE', key, keep)
  return told
end

local verbs = {}

-- for how long the breaker was open by what the speaker knows ('': it is not)
function verbs.admit(open_for)
  if period == 0 and open_for ~= '' then
    begin('open', now)
    opened = now - tonumber(open_for)
  end
  local open_left = opened + open_ms - now
  if state == 'open' and open_left > 0 then return save('open', open_left) end
  if due < math.huge and state == 'half-open' and #trials >= trials_max then return save('trials', due - now) end
  if now < held then return save('held', held - now) end
  local wait = next_us - now * 1000
  if 0 < wait and wait <= interval then return save('paced', math.ceil(wait / 1000)) end
  if state == 'closed' and period == 0 then begin('closed', now) end
  if state == 'open' then begin('half-open', now) end
  if state == 'half-open' then trials[#trials + 1] = now end
  if interval > 0 then next_us = now * 1000 + interval end
  return save('admitted', period, #trials)
end

function verbs.still(of)
  return answer((state == 'closed' and period == tonumber(of)) and 'closed' or 'not')
end

local function tried(trial, outcome)
  if (trials[trial] or 0) == 0 then return end
  if outcome ~= 'success' then return open(now) end
  trials[trial] = 0
  local successes = 0
  for _, began in ipairs(trials) do
    if began == 0 then successes = successes + 1 end
  end
  if successes >= trials_max then begin('closed', now) end
end

local function counted(outcome)
  results = string.sub(results .. (outcome == 'failure' and '1' or '0'), -window)
  local _, failures = string.gsub(results, '1', '')
  if #results == window and failures / window >= rate then open(now) end
end

local function attempted(index, took, failed)
  local times = split(fields['took:' .. index])
  times[#times + 1] = tonumber(took)
  if #times > LAST then table.remove(times, 1) end
  local failures = failed == '1' and number('failed:' .. index) + 1 or 0
  fields['took:' .. index], fields['failed:' .. index] = join(times), text(failures)
  if failures >= FAILURES_OUT then fields['out:' .. index] = text(now) end
end

-- period, trial, outcome, ms to hold; for each attempt its endpoint, ms, and 1 if it failed
function verbs.finish(of, trial, outcome, hold, ...)
  if tonumber(of) == period then
    if state == 'half-open' then tried(tonumber(trial), outcome)
    elseif state == 'closed' and outcome ~= 'uncounted' then counted(outcome) end
  end
  local attempts = {...}
  for index = 1, #attempts, 3 do attempted(attempts[index], attempts[index + 1], attempts[index + 2]) end
  if tonumber(hold) > 0 then held = math.max(held, now + math.min(tonumber(hold), HOLD_MAX)) end
  return save(state)
end

-- endpoint, 1 if it is well
function verbs.probed(index, well)
  fields['checked:' .. index] = text(now)
  if well == '1' then
    fields['out:' .. index], fields['failed:' .. index] = '', '0'
  else
    fields['out:' .. index] = text(now)
  end
  return save('probed')
end

function verbs.look()
  return answer(state)
end

return verbs[verb](unpack(ARGV, 12))
