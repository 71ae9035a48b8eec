-- What the quota of a lane knows now. Changes nothing.
-- KEYS: quota
-- Returns JSON, QuotaState in quota-view.ts. Times are unix ms.
-- include: fit.lua
-- include: resets.lua
-- include: reported.lua
-- include: learned.lua
local lostMs = 5000
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local all, models, shared = redis.call('HGETALL', quota), {}, {}

local function inFlightOf(holders)
  local sum = { requests = 0, tokens = 0, waiting = 0 }
  for _, holder in pairs(holders) do
    if now - holder.at <= lostMs then
      sum.requests, sum.tokens = sum.requests + holder.requests, sum.tokens + holder.tokens
      if holder.waiting then sum.waiting = sum.waiting + 1 end
    end
  end
  return sum
end

-- The limit that has the least room for one more call, as a share of all it holds.
local function viewModel(name, q)
  local inFlight, limits, factor, binds, leastRoom = inFlightOf(q.holders), {}, nil, nil, math.huge
  local counters = { granted = {}, inFlight = inFlight, settled = {} }
  for _, unit in ipairs({ 'requests', 'tokens' }) do
    counters.granted[unit] = q.granted[unit] - q.uncharged[unit]
    counters.settled[unit] = counters.granted[unit] - inFlight[unit]
  end
  local heldUntil, reason = q.heldUntil > now and q.heldUntil or nil, q.reason
  for reported, limit in pairs(q.reported) do
    local ended = limit.window and limit.resetAt and limit.resetAt <= now
    local left = ended and limit.most or math.min(limit.most, math.max(0, reportedLevel(limit, counters, now)))
    local one = factorOf(limit) * (limit.unit == 'requests' and 1 or q.cost)
    limits[#limits + 1] = {
      name = reported, unit = limit.unit, source = 'header', limit = limit.limit, period_ms = limit.limit and limit.period or nil,
      left = left, most = limit.most, resets_at = limit.resetAt and limit.resetAt > now and limit.resetAt or nil, shape = limit.window and 'window' or 'bucket',
    }
    local room = (left - one) / limit.most
    if room < leastRoom then binds, leastRoom = reported, room end
    if limit.unit == 'tokens' and limit.known then factor = factorOf(limit) end
    -- Used up, and the provider said until when.
    if left < one and limit.least < one and limit.window and limit.resetAt and limit.resetAt > (heldUntil or now) then
      heldUntil, reason = limit.resetAt, 'used up'
      binds = reported
    end
  end
  if q.learned then
    limits[#limits + 1] = {
      name = 'learned', unit = q.learned.unit, source = 'learned', limit = learnedPace(q.learned, now) * minuteMs, period_ms = minuteMs,
      left = math.max(0, q.learned.level), most = 1,
    }
    if leastRoom > 0 then binds, leastRoom = 'learned', 0 end
  end
  return {
    model = name, in_flight = inFlight, held_until = heldUntil, reason = heldUntil and reason or nil, cost_factor = factor, binds = binds,
    starting = not q.open, limits = limits, room = leastRoom < math.huge and leastRoom or nil, cost = q.cost or 1,
  }
end

for i = 1, #all, 2 do
  local state = cmsgpack.unpack(all[i + 1])
  if all[i] ~= '' then
    models[#models + 1] = viewModel(string.sub(all[i], 7), state)
  else
    for _, bucket in pairs(state.buckets) do
      local level = math.min(bucket.most, bucket.level + bucket.rate * math.max(0, now - bucket.at))
      shared[#shared + 1] = { unit = bucket.kind, limit = bucket.limit, period_ms = bucket.period, left = math.max(0, level), most = bucket.most }
    end
    for _, budget in pairs(state.budgets) do
      local used = 0
      for _, part in ipairs(budget.parts) do
        if part[1] >= math.floor(now / (budget.period / 24)) - 24 then used = used + part[2] end
      end
      shared[#shared + 1] = { unit = budget.kind, limit = budget.most, period_ms = budget.period, left = math.max(0, budget.most - used), most = budget.most }
    end
  end
end
return cjson.encode({ now = now, models = #models > 0 and models or nil, configured = #shared > 0 and shared or nil })
