-- One exchange of a worker process with a lane's quota, for one model: takes in what answers said, grants calls that wait.
-- KEYS: quota
-- ARGV: model, text, clock
-- quota: hash, MessagePack. Field '': what all models share (configured limits, calls in flight). Field of a model: limits that headers reported
-- (reported.lua), the pace that refusals taught (learned.lua), the hold. text: JSON, ExchangeMessage in exchange.ts; times in ms.
-- clock: '' for Redis's own, or ms, so that tests pass minutes in no time.
-- Returns {mode, epoch, ms the lane is held, ms until the next exchange, most tokens of a call or '', requests and tokens granted before and answered,
-- of each limit what its full bucket lost and its generation (JSON), then for each grant the ms until it goes; -1: it never fits}. Numbers as strings.
-- include: fit.lua
-- include: resets.lua
-- include: reported.lua
-- include: learned.lua
-- include: refusals.lua
-- include: configured.lua
local horizonMs, keepMs, lostMs, idleMs, stillMs = 100, 3600000, 5000, 10000, 1000
-- A process that waits asks again at the latest after this, so that it sees a lane that was resumed.
local initialWindow, openWindow, mostModels, longestSleepMs = 10, 256, 100, 500

local time = redis.call('TIME')
local now = clock == '' and time[1] * 1000 + time[2] / 1000 or tonumber(clock)
local m = cjson.decode(text)

local function load(field)
  local packed = redis.call('HGET', quota, field)
  local state = packed and cmsgpack.unpack(packed)
  -- A clock that was set back (another server took over): nothing stored is of use.
  return state and state.now < now + 1000 and state or nil
end

local lane = load('') or { at = now, holders = {}, buckets = {}, budgets = {} }
local q = load('model ' .. model) or {
  at = now, epoch = math.floor(now), granted = { requests = 0, tokens = 0 }, uncharged = { requests = 0, tokens = 0 }, reported = {}, holders = {}, heldUntil = 0, strikes = 0,
  refusedAt = 0, answeredAt = now, goneAt = 0, open = false, window = initialWindow, 
  flow = { before = { requests = 0, tokens = 0 }, beforeAt = now, mark = { requests = 0, tokens = 0 }, at = now },
}
q.now, lane.now = now, now
for _, unit in ipairs({ 'requests', 'tokens' }) do
  q.granted[unit] = q.granted[unit] + m.went[unit]
  q.uncharged[unit] = q.uncharged[unit] + m.back[unit] + m.uncharged[unit]
end

-- What every process has in flight. One that has not reported for a while is lost with its calls.
local function countHolders(holders, mine)
  holders[m.by] = mine
  local sum = { requests = 0, tokens = 0, waiting = 0 }
  for id, holder in pairs(holders) do
    if now - holder.at > lostMs then
      holders[id] = nil
    else
      sum.requests, sum.tokens = sum.requests + holder.requests, sum.tokens + holder.tokens
      if holder.waiting then sum.waiting = sum.waiting + 1 end
    end
  end
  return sum
end
local waits = #m.costs > 0
local mine = { requests = m.held.requests, tokens = m.held.tokens, waiting = waits, at = now }
local inFlight = countHolders(q.holders, mine)
-- Granted, but not to go before a later instant.
local ahead = { requests = 0, tokens = 0 }
for i = #(q.ahead or {}), 1, -1 do
  if q.ahead[i][1] <= now then
    table.remove(q.ahead, i)
  else
    ahead.requests, ahead.tokens = ahead.requests + 1, ahead.tokens + q.ahead[i][2]
  end
end
q.ahead = q.ahead or {}
-- The counters of all processes. A call that was refused or not made was not charged, so it no longer counts as granted. Settled: answered.
local counters = { granted = {}, inFlight = inFlight, ahead = ahead, settled = {} }
for _, unit in ipairs({ 'requests', 'tokens' }) do
  counters.granted[unit] = q.granted[unit] - q.uncharged[unit]
  counters.settled[unit] = counters.granted[unit] - inFlight[unit]
end
local cost = m.costs[1] or (m.held.requests > 0 and m.held.tokens / m.held.requests) or q.cost or 1
q.cost = cost

if now - q.flow.at > 500 then
  local mark = { requests = q.granted.requests, tokens = q.granted.tokens }
  q.flow = { before = q.flow.mark, beforeAt = q.flow.at, mark = mark, at = now }
end

-- Until the first answers nobody knows what the provider takes: ten calls, and one more for each answer, as TCP begins (RFC 6928).
local function openGate()
  local quiet = now - math.max(q.answeredAt, q.heldUntil) > idleMs and inFlight.requests == 0
  if quiet then q.open, q.window, q.answeredAt = false, initialWindow, now end
  if m.answered > 0 then q.window, q.answeredAt = math.min(openWindow, q.window + m.answered), now end
  if q.open or quiet then return end
  local fresh, unsure = false, false
  for _, limit in pairs(q.reported) do
    if now - limit.seenAt < idleMs then fresh = true end
    spill(limit, counters, now)
    if not limit.known and reportedLevel(limit, counters, now) < 1000 * cost then unsure = true end
  end
  q.open = (fresh and not unsure) or q.window >= openWindow or q.learned ~= nil
end

configure(lane, m.limits, now)
giveBackConfigured(lane, m.back, m.over, now)
rollWindows(q, counters, now)
for _, reported in ipairs(m.reported) do
  reported.scope = m.refused and m.refused.scope
  learnReported(q, reported, counters, now)
  if q.reported[reported.name] and not q.open then guessFactor(q.reported[reported.name], reported, q.firstSent or 0) end
end
for name, limit in pairs(q.reported) do
  if limit.resetAt then limit.resetAt = math.min(limit.resetAt, limit.seenAt + longestWait(limit, m.longestWaitMs)) end
  -- Answers no longer report it.
  if q.answeredAt - limit.seenAt > 60000 then q.reported[name] = nil end
end
if m.refused then onRefusal(q, m.refused, m.uncharged.requests, m.longestWaitMs, counters, cost, now) end
if m.answered > 0 and now - m.answeredAge > q.refusedAt then q.strikes = 0 end
forgetLearned(q, now)
openGate()

-- The limits that bind: a configured limit is idle where the provider reported one that is no higher, because it knows what bursts it allows.
local active, most = {}, math.huge
for key, bucket in pairs(lane.buckets) do
  local reported = false
  for _, limit in pairs(q.reported) do
    if limit.unit == bucket.kind and bucket.period == 60000 and limit.period <= 60000 and limit.limit and limit.limit <= bucket.limit then reported = true end
  end
  if not reported then active[#active + 1] = bucket end
  if bucket.kind == 'tokens' then most = math.min(most, bucket.limit) end
end
for _, budget in pairs(lane.budgets) do
  if budget.kind == 'tokens' then most = math.min(most, budget.most) end
end
local reportedAny = false
for _, limit in pairs(q.reported) do
  reportedAny = true
  if limit.unit == 'tokens' and limit.limit and limit.period >= 60000 then most = math.min(most, limit.limit / math.min(1, factorOf(limit))) end
end

q.at = math.max(q.at, lane.at, now, q.heldUntil)

-- Ms from q.at until every configured limit has room; the levels are those of then.
local function configuredWait(tokens)
  local wait = 0
  for _, bucket in ipairs(active) do
    local amount = bucket.kind == 'requests' and 1 or tokens
    bucket.most = math.max(bucket.most, amount)
    refillConfigured(bucket, q.at)
    wait = math.max(wait, (amount - bucket.level) / bucket.rate)
  end
  return wait
end

local again, granted = longestSleepMs, 0

-- Ms from q.at until every limit that was reported or learned has room; huge where only a reset or an answer can tell.
local function providerWait(tokens)
  local wait, untilReset = 0, nil
  for _, limit in pairs(q.reported) do
    local amount = chargeAtOnce(limit) * (limit.unit == 'requests' and 1 or tokens)
    local unseen = factorOf(limit) * inFlight[limit.unit]
    spill(limit, counters, q.at)
    local need = math.min(limit.most, amount + reportedReserve(limit, counters))
    local level = reportedLevel(limit, counters, q.at)
    if limit.rolled and not limit.trusted and unseen > 0 then level = 0 end
    if level < need then
      local still = (limit.window or limit.line.rate < 1e-9) and math.huge or (need - level) / limit.line.rate
      wait = math.max(wait, still)
      if limit.window and limit.resetAt then again = math.min(again, math.max(2, limit.resetAt - now)) end
      -- The headers themselves said that nothing is left, and until when.
      if limit.least < amount and limit.resetAt and limit.resetAt > now then
        untilReset = math.max(untilReset or 0, math.min(limit.resetAt, q.at + still))
      end
    end
  end
  if q.learned then
    refillLearned(q.learned, q.at)
    wait = math.max(wait, ((q.learned.unit == 'requests' and 1 or tokens) - q.learned.level) / learnedPace(q.learned, q.at))
  end
  return wait, untilReset
end

local lost = {}
for name, limit in pairs(q.reported) do
  spill(limit, counters, q.at)
  lost[name .. ' ' .. (limit.limit and string.format('%.17g', limit.limit) or '')] = { lost = limit.lost, generation = limit.generation }
end
local reply = { '', '', '', '', '', string.format('%.17g', counters.granted.requests), string.format('%.17g', counters.granted.tokens), string.format('%.17g', counters.settled.requests), string.format('%.17g', counters.settled.tokens), reportedAny and cjson.encode(lost) or '' }

-- Room for calls in flight: the lane's own bound, shared evenly among the processes that wait, and the gate of a lane that has just begun.
local function roomInFlight()
  local room = q.open and math.huge or math.floor(q.window) - inFlight.requests
  if m.maxInFlight then
    local held = { requests = m.laneHeld, tokens = 0, waiting = waits, at = now }
    local sum = countHolders(lane.holders, held)
    local part = math.ceil(m.maxInFlight / math.max(1, sum.waiting))
    room = math.min(room, m.maxInFlight - sum.requests, part - m.laneHeld)
  end
  return room
end
local room = roomInFlight()
if not q.open and not reportedAny and q.window == initialWindow then q.firstSent = inFlight.requests end

local function grant(tokens, wait)
  q.at = q.at + wait
  for _, bucket in ipairs(active) do
    refillConfigured(bucket, q.at)
    bucket.level = bucket.level - (bucket.kind == 'requests' and 1 or tokens)
  end
  for _, budget in pairs(lane.budgets) do spendBudget(budget, budget.kind == 'requests' and 1 or tokens, q.at) end
  if q.learned then
    refillLearned(q.learned, q.at)
    q.learned.level = q.learned.level - (q.learned.unit == 'requests' and 1 or tokens)
  end
  q.granted.requests, q.granted.tokens = q.granted.requests + 1, q.granted.tokens + tokens
  counters.granted.requests, counters.granted.tokens = counters.granted.requests + 1, counters.granted.tokens + tokens
  inFlight.requests, inFlight.tokens = inFlight.requests + 1, inFlight.tokens + tokens
  mine.requests, mine.tokens = mine.requests + 1, mine.tokens + tokens
  lane.at, q.goneAt, granted = q.at, q.at, granted + 1
  if q.at > now then q.ahead[#q.ahead + 1] = { q.at, tokens } end
  if not q.open and q.window == initialWindow then q.firstSent = inFlight.requests end
  reply[#reply + 1] = string.format('%.3f', q.at - now)
end

local function hasBudget(tokens)
  for _, budget in pairs(lane.budgets) do
    if budget.left < (budget.kind == 'requests' and 1 or tokens) then return false end
  end
  return true
end

-- The process whose call needs a long saving goes first: without this, small calls of others would take all that comes in.
local function othersTurn() return q.saver and q.saver.by ~= m.by and now - q.saver.at < 1500 end

for _, tokens in ipairs(m.costs) do
  if tokens > most then
    reply[#reply + 1] = '-1'
  else
    if q.at > now + horizonMs then break end
    if granted >= room then again = math.min(again, 25) break end
    if not hasBudget(tokens) then break end
    local configured, provider, untilReset = configuredWait(tokens), providerWait(tokens)
    local wait = math.max(0, configured, provider)
    if othersTurn() then again = math.min(again, math.max(50, wait)) break end
    if q.at + wait > now + horizonMs then
      if wait < math.huge then q.saver = { by = m.by, at = now } end
      again = math.min(again, q.at + math.min(wait, (untilReset or math.huge) - q.at) - now - (wait < math.huge and horizonMs / 2 or 0))
      -- The lane never stands still: with nothing in flight and no wait asked for, one call looks, whatever was computed.
      local still = math.max(q.goneAt + stillMs, untilReset or 0, q.heldUntil, q.at + configured)
      if granted > 0 or inFlight.requests > 0 then break end
      if still > now then again = math.min(again, still - now) break end
      wait = 0
    end
    if q.saver and q.saver.by == m.by then q.saver = nil end
    grant(tokens, wait)
  end
end
if q.saver and q.saver.by == m.by and not waits then q.saver = nil end

local mode = 'paced'
if not reportedAny and q.learned and #active == 0 then mode = 'learned' end
if not reportedAny and not q.learned and #active == 0 then
  mode = not q.open and 'starting' or (m.maxInFlight or next(lane.budgets)) and 'counted' or 'free'
end
if q.heldUntil > now then again = math.min(again, q.heldUntil - now) end
if mode == 'free' then again = math.max(50, 12 * inFlight.waiting) end

if m.maxInFlight then lane.holders[m.by] = { requests = m.laneHeld + granted, tokens = 0, waiting = #m.costs > granted, at = now } end
local holdMs, keep = math.max(0, q.heldUntil - now), keepMs
for _, budget in pairs(lane.budgets) do keep = math.max(keep, 1.1 * budget.period) end
redis.call('HSET', quota, '', cmsgpack.pack(lane), 'model ' .. model, cmsgpack.pack(q))
redis.call('PEXPIRE', quota, math.ceil(keep + holdMs))
-- The model is what a user may write into an extractor: those of which nothing is left are dropped.
if redis.call('HLEN', quota) > mostModels then
  local all = redis.call('HGETALL', quota)
  for i = 1, #all, 2 do
    if all[i] ~= '' and now - cmsgpack.unpack(all[i + 1]).now > 60000 then redis.call('HDEL', quota, all[i]) end
  end
end
reply[1], reply[2], reply[3] = mode, tostring(q.epoch), tostring(holdMs)
reply[4], reply[5] = tostring(math.max(2, math.min(longestSleepMs, again))), most < math.huge and tostring(most) or ''
return reply
