-- One exchange of a process with its lane's quota: takes in what came back, reserves for calls that wait, says when they may go.
-- A window is a bucket as the provider keeps it: level, rate (units per ms), cap. There is one for each kind of limit ('requests', 'tokens')
-- and source: 'set' by the configuration, for each of its periods, 'told' by headers. A budget is a window longer than a minute: it is
-- counted, so that all of it may go at once. `q.at` is when the last granted call goes, and the levels are of that
-- instant: a grant does what the provider will do, so the level after it is what the header of its answer should say.
-- `correction` sums up what headers have added to a level. level - correction is free of it, so the header of an answer less what was
-- expected in these terms is a sample of the correction, whatever was sent or corrected in between.
-- KEYS: state (MessagePack). ARGV: message (JSON, ExchangeMessage in exchange.ts; times in ms).
-- Returns {mode, epoch, ms the lane is held, ms until to come again, most tokens of a call or '', then for each granted call:
-- ms until it goes (-1: it never can), what its headers should say of requests, of tokens ('' for no such window)}. Numbers as strings.
local horizonMs, forgetAfterMs, staleAfterMs, smoothingMs, probeMs, lostAfterMs = 100, 3600000, 5000, 600, 125, 5000
local minuteMs, budgetParts, longestHoldMs = 60000, 24, 86400000
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local m = cjson.decode(ARGV[1])
local packed = redis.call('GET', KEYS[1])
local q = packed and cmsgpack.unpack(packed)
-- A clock that was set back (another server took over): nothing stored is of use.
if not q or now < q.now - 1000 then
  q = { at = now, epoch = math.floor(now), heldUntil = 0, strikes = 0, free = false, probes = 0, probeAt = 0, windows = {}, budgets = {}, holders = {} }
end
q.now = now
local windows, epoch = q.windows, q.epoch

-- The slope is how fast others take from the bucket, or, upwards, by how much calls cost less than reserved.
local function pace(w) return math.max(w.rate + w.slope, w.rate / 10) end

-- Kept in the bucket for what no header has told yet: 4 mean deviations, at least 20 ms of refill. It is what keeps refusals away; it
-- costs no pace, only itself, once.
local function reserveOf(w)
  return w.source == 'set' and 0 or math.min(w.cap / 2, math.max(4 * w.deviation, 20 * w.rate))
end

local function refill(w, ms, full)
  w.level = math.max(w.level, math.min(full, w.level + pace(w) * ms))
  w.correction = w.correction + (pace(w) - w.rate) * ms
end

-- No sliding period holds more than the limit: the rate is less by what the burst adds, 250 ms of a minute, 25 ms of a second.
local function configure(limits)
  local windowsSet, budgetsSet = {}, {}
  for _, limit in ipairs(limits) do
    local kind, most, period = limit.kind, limit.most, limit.periodMs
    local key = 'set ' .. kind .. ' ' .. period
    if period > minuteMs then
      budgetsSet[key] = q.budgets[key] or { kind = kind, partMs = period / budgetParts, parts = {} }
      budgetsSet[key].most = most
    elseif windows[key] and windows[key].limit == most then
      windowsSet[key] = windows[key]
    else
      local smallest = kind == 'requests' and 1 or 0
      local cap = math.max(smallest, most * math.min(250 / period, 1 / 40))
      windowsSet[key] = {
        source = 'set', kind = kind, limit = most, period = period, rate = (most - (cap - smallest)) / period,
        cap = cap, level = cap, slope = 0, correction = 0,
      }
    end
  end
  for key, w in pairs(windows) do
    if w.source == 'told' then windowsSet[key] = w end
  end
  windows, q.windows, q.budgets = windowsSet, windowsSet, budgetsSet
end

-- What went in the last whole parts of the period and in the one that has begun is never more than the limit.
local function spend(b, amount)
  local part, last = math.floor(q.at / b.partMs), b.parts[#b.parts]
  if not last or last[1] ~= part then
    last = { part, 0 }
    b.parts[#b.parts + 1] = last
  end
  last[2] = last[2] + amount
  b.left = b.left - amount
end

-- From the oldest part on: then no later window sums up to less than went in it.
local function giveBack(b, amount)
  if amount < 0 then return spend(b, -amount) end
  for _, part in ipairs(b.parts) do
    local from = math.min(amount, part[2])
    part[2], b.left, amount = part[2] - from, b.left + from, amount - from
  end
end

local function count(b)
  while b.parts[1] and b.parts[1][1] < math.floor(now / b.partMs) - budgetParts do table.remove(b.parts, 1) end
  b.left = b.most
  for _, part in ipairs(b.parts) do b.left = b.left - part[2] end
end

-- A limit told that is far longer than a minute (Groq counts requests by the day) says nothing of the pace while a good part of it is left.
local function far(w) return w.long and w.level > w.cap / 10 end

local function countDown(key, kind, seen, period)
  local before = windows[key]
  if not before or not before.long or before.limit ~= seen.limit then q.epoch = q.epoch + 1 end
  windows[key] = {
    source = 'told', kind = kind, long = true, limit = seen.limit, period = period, rate = seen.limit / period, cap = seen.limit,
    level = seen.remaining, slope = 0, correction = 0, deviation = 0, synced = false, toldAt = now, age = seen.age,
  }
end

local function learn(kind, seen)
  local key, rate, since = 'told ' .. kind, seen.limit / minuteMs, q.at - (now - seen.age)
  local w = windows[key]
  local period = seen.periodMs or w and w.limit == seen.limit and w.period or minuteMs
  if period > minuteMs then return countDown(key, kind, seen, period) end
  local off = w and seen.off and seen.epoch == epoch and seen.off - (w.correction - w.slope * since)
  if not w or w.long or w.limit ~= seen.limit then
    -- The other probes under way take theirs; how many calls of a free lane are under way nobody knows.
    local level = q.free and 0 or seen.remaining + rate * math.max(0, since) - math.max(0, q.probes - 1) * seen.cost
    if w then level = off and w.level + off - math.max(0, w.rate - rate) * since or math.min(w.level, seen.remaining) end
    windows[key] = {
      source = 'told', kind = kind, limit = seen.limit, period = minuteMs, rate = rate, cap = seen.cap, level = math.min(seen.cap, level),
      slope = 0, correction = 0, deviation = seen.cap / 16, synced = false, toldAt = now, age = seen.age,
    }
    q.epoch = q.epoch + 1
  elseif off then
    -- A fading-memory filter of the first order: the least-squares line through the samples, older ones counting ever less.
    local dt = math.max(0.1, now - w.toldAt)
    -- Over 20 calls at least: a header is whole numbers, and at one call in 2 s that would look like others coming and going.
    local theta = w.synced and math.exp(-dt / (smoothingMs + seen.age + 20 * seen.cost / rate)) or 0
    w.level, w.correction = w.level + (1 - theta ^ 2) * off, w.correction + (1 - theta ^ 2) * off
    w.cap = math.max(1, w.cap + (1 - theta) * (seen.cap - w.cap))
    if w.synced then
      w.deviation = w.deviation + (1 - theta) * (math.abs(off) - w.deviation)
      -- A full bucket tells nothing of what others take.
      local slope = w.level < 0.95 * w.cap and w.slope + (1 - theta) ^ 2 * off / dt or w.slope * theta
      w.slope = math.max(-0.9 * rate, math.min(0.25 * rate, slope))
    end
    w.level, w.toldAt, w.age, w.synced = math.min(w.cap, w.level), now, seen.age, true
  end
end

local function hold(refused)
  -- Beyond a day it is rather a mistake than a wish, and an answer would tell again.
  local after = math.min(longestHoldMs, refused.after)
  -- Calls that went before the last hold ended tell nothing new but a later instant.
  if now - refused.age > q.heldUntil then
    -- Where the calls in flight adapt, a short wait that was told is all there is to it. To begin with single calls again would empty the
    -- lane for the time of a call, and send all at once after.
    q.free = q.free and m.adapts and after >= 0 and after <= 1000
    if after < 0 then after = math.min(60000, 1000 * 2 ^ q.strikes) end
    q.strikes, q.epoch = math.min(10, q.strikes + 1), q.epoch + 1
    for _, w in pairs(windows) do
      -- Of a long one the answers tell what is left, refusals as well.
      if not w.long and (not refused.scope or refused.scope == w.kind) then
        w.level, w.slope, w.synced = math.min(w.level, 0), 0, false
        if w.deviation then w.deviation = math.max(2 * w.deviation, 10 * w.rate) end
      end
    end
  end
  q.heldUntil = math.max(q.heldUntil, now + after)
end

configure(m.limits)
for _, w in pairs(windows) do
  if now > q.at then refill(w, now - q.at, w.cap) end
  if w.source == 'told' and not w.long and now - w.toldAt > staleAfterMs + 2 * w.age then
    -- Others may have used it up since. The lane goes on at its pace, which wastes nothing, until an answer tells more.
    w.level, w.slope, w.synced = math.min(w.level, reserveOf(w) + 1), 0, false
  end
end
q.at = math.max(q.at, now)
if m.requests then learn('requests', m.requests) end
if m.tokens then learn('tokens', m.tokens) end
for _, w in pairs(windows) do
  -- Never above the cap: nothing is minted. What calls really used, headers tell better.
  local back = w.kind == 'requests' and m.backRequests or m.backTokens - (w.source == 'set' and m.overTokens or 0)
  if not w.long then w.level = math.min(math.max(w.cap, w.level), w.level + back) end
end
for _, b in pairs(q.budgets) do
  count(b)
  giveBack(b, b.kind == 'requests' and m.backRequests or m.backTokens - m.overTokens)
end
if m.refused then hold(m.refused) end
if m.answered and now - m.answered > q.heldUntil then
  q.strikes, q.free = 0, true
  for _, w in pairs(windows) do q.free = q.free and far(w) end
end
q.at = math.max(q.at, q.heldUntil)

local active, most = {}, math.huge
for _, w in pairs(windows) do
  -- A limit told that is no higher makes the configured one idle: the provider knows what bursts it allows.
  local told = windows['told ' .. w.kind]
  if w.source == 'set' and w.period == minuteMs and told and not told.long and told.limit <= w.limit then
    w.level = 0
  elseif not far(w) then
    active[#active + 1] = w
  end
  if w.kind == 'tokens' then most = math.min(most, w.limit) end
end
for _, b in pairs(q.budgets) do
  if b.kind == 'tokens' then most = math.min(most, b.most) end
end

-- Calls in flight: each process tells how many it holds. While another waits none takes more than its part.
local room, held, granted = math.huge, m.inFlight and m.inFlight.held, 0
if m.inFlight then
  local others, waiting = 0, 1
  for id, holder in pairs(q.holders) do
    if now - holder.at > lostAfterMs then
      q.holders[id] = nil
    elseif id ~= m.inFlight.by then
      others = others + holder.held
      if holder.waiting then waiting = waiting + 1 end
    end
  end
  room = math.min(m.inFlight.most - others, math.ceil(m.inFlight.most / waiting)) - held
end
local blockedMs = 0
local function mayGo(tokens)
  -- A place that another process frees is looked for often.
  if granted >= room then blockedMs = 25 end
  for _, b in pairs(q.budgets) do
    if b.left < (b.kind == 'requests' and 1 or tokens) then blockedMs = 500 end
  end
  return blockedMs == 0
end

local reply, mode, again = { '', '', '', '', '' }, 'paced', 500
local function grant(tokens, ms, requestsLeft, tokensLeft)
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = tostring(ms), requestsLeft or '', tokensLeft or ''
  if ms < 0 then return end
  granted = granted + 1
  for _, b in pairs(q.budgets) do spend(b, b.kind == 'requests' and 1 or tokens) end
end
local function reserve(tokens)
  local wait, needs, expected = 0, {}, {}
  for i, w in ipairs(active) do
    local cost = w.kind == 'requests' and 1 or tokens
    if w.source == 'set' then w.cap = math.max(w.cap, cost) end
    needs[i] = cost + math.min(reserveOf(w), math.max(0, w.cap - cost))
    wait = math.max(wait, (needs[i] - w.level) / pace(w))
  end
  for i, w in ipairs(active) do
    refill(w, wait, math.max(w.cap, needs[i]))
    w.level = w.level - (w.kind == 'requests' and 1 or tokens)
    if w.source == 'told' then expected[w.kind] = tostring(w.level - w.correction) end
  end
  q.at = q.at + wait
  return q.at - now, expected.requests, expected.tokens
end

if #active > 0 then
  -- A call is granted when its turn begins within the horizon, however long it has to save up then: so no large one starves, and little
  -- stands ahead that could not be taken back when the limit falls.
  for _, tokens in ipairs(m.costs) do
    if q.at > now + horizonMs then break end
    if tokens > most then
      grant(tokens, -1)
    elseif mayGo(tokens) then
      grant(tokens, reserve(tokens))
    else
      break
    end
  end
  again = q.at - now - horizonMs / 2
elseif q.heldUntil > now then
  mode, again = 'probing', q.heldUntil - now
elseif not q.free then
  -- 8 a second by all workers together: a start is no storm, and where answers take 30 s, 240 calls are in flight by the first.
  mode = 'probing'
  if #m.costs > 0 and now >= q.probeAt and m.costs[1] <= most and mayGo(m.costs[1]) then
    q.probes, q.probeAt = q.probes + 1, now + probeMs
    grant(m.costs[1], 0)
  end
  again = math.min(50, q.probeAt - now)
else
  if not m.inFlight and not next(q.budgets) then mode = 'free' end
  q.probes = 0
  for _, tokens in ipairs(m.costs) do
    if tokens > most then
      grant(tokens, -1)
    elseif mayGo(tokens) then
      grant(tokens, 0)
    else
      break
    end
  end
end
again = math.max(again, blockedMs)

if m.inFlight then
  q.holders[m.inFlight.by] = { held = held + granted, waiting = #m.costs > granted, at = now }
end
local holdMs, keepMs = math.max(0, q.heldUntil - now), forgetAfterMs
for _, b in pairs(q.budgets) do keepMs = math.max(keepMs, b.partMs * (budgetParts + 1)) end
redis.call('SET', KEYS[1], cmsgpack.pack(q), 'PX', math.ceil(keepMs + holdMs))
reply[1], reply[2], reply[3] = mode, tostring(q.epoch), tostring(holdMs)
reply[4], reply[5] = tostring(math.max(10, math.min(500, again))), most < math.huge and tostring(most) or ''
return reply
