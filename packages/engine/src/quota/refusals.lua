-- What follows from a refused call, and from failures in a row: a wait, and what it says of the limits.

-- A wait that was asked for is bounded, so that a mistake does not hold the lane; only a limit of an hour or more may last until its own reset.
local function longestWait(limit, longestMs)
  return limit.period >= 3600000 and math.max(longestMs, 1.1 * limit.period) or longestMs
end

local function boundedWait(state, after, longestMs, now)
  local longest = longestMs
  for _, limit in pairs(state.reported) do
    if limit.remaining < 1 and limit.resetAt then longest = math.max(longest, math.min(limit.resetAt - now, longestWait(limit, longestMs))) end
  end
  return math.min(after, longest)
end

-- How much went lately, units per ms: since the last but one mark, so over half a second to a second.
local function flowOf(state, unit, now)
  return math.max(0, state.granted[unit] - state.flow.before[unit]) / math.max(50, now - state.flow.beforeAt)
end

-- Whether a limit that headers reported was used up, so that it explains the refusal.
local function explain(state, refused, inFlight, cost, now)
  local explained = false
  for _, limit in pairs(state.reported) do
    local unit = limit.factor * (limit.unit == 'requests' and 1 or cost)
    local fits = not refused.scope or refused.scope == limit.unit
    if fits and reportedLevel(limit, state.granted, inFlight, now) < 2 * unit + reportedReserve(limit) then
      explained = true
      limit.noise = math.min(limit.most / 8, 1.5 * limit.noise + unit)
      local at = now - refused.age
      if limit.seenAt < at then restartRefused(limit, 0, at, state.granted[limit.unit], inFlight[limit.unit]) end
    end
  end
  return explained
end

local function onRefusal(state, refused, longestMs, inFlight, cost, now)
  local after = refused.after
  -- A call that went before the last refusal was known says nothing new, except to wait longer.
  if now - refused.age <= state.refusedAt then
    if after >= 0 then state.heldUntil = math.max(state.heldUntil, now + boundedWait(state, after, longestMs, now)) end
    return
  end
  local explained = not refused.overloaded and explain(state, refused, inFlight, cost, now)
  -- Where the provider does not say how long: twice as long each time, up to a minute.
  if after < 0 then after = math.min(60000, (refused.overloaded and 1000 or explained and 100 or 500) * 2 ^ state.strikes) end
  after = boundedWait(state, after, longestMs, now)
  state.heldUntil, state.reason = math.max(state.heldUntil, now + after), refused.overloaded and 'overloaded' or 'refused'
  state.refusedAt, state.strikes, state.epoch = now, math.min(10, state.strikes + 1), state.epoch + 1
  if refused.overloaded then
    state.open, state.window = false, 10
  elseif not explained then
    local unit = refused.scope or 'requests'
    learnFromRefusal(state, unit, after, flowOf(state, unit, now), unit == 'requests' and 1 or cost, now)
  end
end
