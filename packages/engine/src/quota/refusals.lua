-- What follows from a refused call, and from failures in a row: a wait, and what it says of the limits.

local limitStretch = 100

-- A wait that was asked for is bounded, so that a mistake does not hold the lane; only a limit of an hour or more may last until its own reset.
local function longestWait(limit, longestMs)
  return limit.period >= 3600000 and math.max(longestMs, 1.1 * limit.period) or longestMs
end

local function boundedWait(state, after, longestMs, now)
  local longest = longestMs
  for _, limit in pairs(state.reported) do
    if limit.least < 1 and limit.resetAt then longest = math.max(longest, math.min(limit.resetAt - now, longestWait(limit, longestMs))) end
  end
  return math.min(after, longest)
end

-- How much went lately, units per ms: since the last but one mark, so over half a second to a second.
local function flowOf(state, unit, now)
  return math.max(0, state.granted[unit] - state.flow.before[unit]) / math.max(50, now - state.flow.beforeAt)
end

-- Whether a limit that headers reported was used up, so that it explains the refusal.
local function explain(state, refused, lane, cost, now)
  local explained = false
  for _, limit in pairs(state.reported) do
    local unit = factorOf(limit) * (limit.unit == 'requests' and 1 or cost)
    local fits = not refused.scope or refused.scope == limit.unit
    if fits and reportedLevel(limit, lane, now) < 2 * unit + reportedReserve(limit, lane) then
      explained = true
      limit.noise = math.min(limit.most / 8, 1.5 * limit.noise + unit)
      local at = now - refused.age
      -- Refused as soon as a new window was expected: it begins later than computed.
      if limit.window and limit.began and at >= limit.began and at < limit.began + 50 then limit.guard = math.min(1000, math.max(10, 2 * (limit.guard or 0))) end
      if limit.seenAt < at then addRefusal(limit, 0, at, lane, limit.unit == 'requests' and 1 or cost) end
      -- More exact than a reset in whole seconds.
      if limit.window and limit.resetAt and refused.after >= 0 then limit.resetAt = math.min(limit.resetAt, now + refused.after) end
    end
  end
  return explained
end

-- Providers also refuse calls at random, whatever the pace. At a limit several calls are refused together, or one soon after another: three
-- within a short stretch of calls are taken for a limit. Where one is known, a refusal at that pace or above is its.
local function countRefused(state, refusedCalls)
  local admitted = state.granted.requests - state.uncharged.requests
  local before = state.refusals or { count = 0, at = admitted }
  state.refusals = { count = before.count * 0.5 ^ ((admitted - before.at) / limitStretch) + refusedCalls, at = admitted }
end

local function isLimit(state, now)
  local learned = state.learned
  return state.refusals.count >= 2 or learned ~= nil and not learned.guessed and learnedPace(learned, now) >= learned.rate
end

local function onRefusal(state, refused, refusedCalls, longestMs, lane, cost, now)
  local after = refused.after
  if not refused.overloaded then countRefused(state, refusedCalls) end
  -- A call that went before the last refusal was known says nothing new, except to wait longer.
  if now - refused.age <= state.refusedAt then
    if after >= 0 then state.heldUntil = math.max(state.heldUntil, now + boundedWait(state, after, longestMs, now)) end
    return
  end
  local explained = not refused.overloaded and explain(state, refused, lane, cost, now)
  -- Where the provider does not say how long: twice as long each time, up to a minute.
  if after < 0 then after = math.min(60000, (refused.overloaded and 1000 or 100) * 2 ^ state.strikes) end
  after = boundedWait(state, after, longestMs, now)
  state.heldUntil, state.reason = math.max(state.heldUntil, now + after), refused.overloaded and 'overloaded' or 'refused'
  state.refusedAt, state.strikes, state.epoch = now, math.min(10, state.strikes + 1), state.epoch + 1
  if refused.overloaded then
    state.open, state.window = false, 10
  elseif not explained then
    local unit = refused.scope or 'requests'
    local learn = isLimit(state, now) and learnFromRefusal or paceAfterRefusal
    learn(state, unit, after, flowOf(state, unit, now), unit == 'requests' and 1 or cost, now)
  end
end
