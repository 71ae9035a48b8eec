-- Limits that headers reported. `remaining` is what the newest header said, `at` is when it was true (ms), and `mark` is how much the lane had
-- granted by then. What is left now: remaining, plus what was refilled since, minus what was granted since. `lost` sums up what a full
-- bucket could not take, so that it does not count as refilled.

local minuteMs = 60000

local function clamp(value, least, most) return math.max(least, math.min(most, value)) end

-- Never further below zero than what is in flight can take: everything else has been answered, so a header would have said it.
local function reportedLevel(limit, granted, inFlight, t)
  local refilled = limit.window and 0 or limit.rate * math.max(0, t - limit.at)
  local level = limit.remaining + refilled - (limit.lost - limit.lostBefore) - limit.factor * math.max(0, granted[limit.unit] - limit.mark)
  return math.max(-limit.factor * inFlight[limit.unit], level)
end

local function spill(limit, granted, inFlight, t)
  local over = reportedLevel(limit, granted, inFlight, t) - limit.most
  if over > 0 then limit.lost = limit.lost + over end
end

-- Kept back for what no header has reported yet: three times the mean error of what was expected of a header, and 10 ms of refill.
local function reportedReserve(limit)
  return math.min(limit.most / 4, math.max(3 * limit.noise, limit.window and 0 or 10 * limit.rate))
end

-- A bucket's reset follows from what remains: when one falls the other grows. A window's reset only gets shorter, whatever remains.
-- In a bucket the two also give the rate of the refill.
local function judgeShape(limit, reported)
  local seen = limit.anchor
  if not reported.reset or not seen then
    limit.anchor = reported.reset and { remaining = reported.last, reset = reported.reset } or nil
    return
  end
  local change, resetChange = reported.last - seen.remaining, reported.reset - seen.reset
  if math.abs(change) < 2 or math.abs(resetChange) < 1.05 * reported.resetStep + 4 then return end
  local bucket = change * resetChange < 0
  limit.votes = clamp(limit.votes + (bucket and 1 or -1), -3, 3)
  limit.window = limit.votes < 0
  if bucket and math.abs(change) >= 20 and math.abs(resetChange) > 20 * reported.resetStep then
    local slope = math.abs(change / resetChange)
    local known = limit.limit and limit.limit / limit.period or limit.rate
    limit.rate = math.abs(slope - known) < known / 4 and known or slope
    if limit.limit then limit.period = limit.limit / limit.rate end
  end
  limit.anchor = { remaining = reported.last, reset = reported.reset }
end

-- How much of the provider's units one of ours takes, from what remained before and after; others on the account count into it.
local function learnFactor(limit, reported, seen)
  local from = limit.from
  if not from then
    limit.from = { remaining = reported.remaining, at = seen.at, mark = seen.mark, lost = reported.lost }
    return
  end
  local counted = seen.mark - from.mark
  -- Over twice the time of a call, because some charge it when they answer.
  if counted < math.max(10 * reported.cost, 8 * limit.noise / limit.factor) or seen.at - from.at < math.max(300, 2 * reported.age) then return end
  local refill = limit.window and 0 or limit.rate * (seen.at - from.at) - (reported.lost - from.lost)
  limit.from = { remaining = reported.remaining, at = seen.at, mark = seen.mark, lost = reported.lost }
  if limit.rate == 0 and not limit.window then return end
  -- A full bucket does not show what is taken from it.
  local full = math.max(from.remaining, reported.remaining) > 0.9 * limit.most
  if refill < 0 or full and refill > 0.3 * (from.remaining - reported.remaining + refill) then return end
  local factor = (from.remaining - reported.remaining + refill) / counted
  factor = clamp(factor, limit.unit == 'requests' and 1 or 0.02, limit.unit == 'requests' and 4 or 50)
  if seen.at - limit.knownAt < 3000 then factor = math.max(factor, 0.5 * math.min(1, reported.used / reported.cost)) end
  limit.factor = limit.known and limit.factor + 0.3 * (factor - limit.factor) or factor
  -- A request counts as one as long as nothing clearly says otherwise.
  if limit.unit == 'requests' then limit.share = 0.7 * (limit.share or 1) + 0.3 * factor end
  if limit.unit == 'requests' then limit.factor = limit.share > 1.1 and limit.share or 1 end
  limit.known = true
end

-- The lane's first calls arrive at once and in any order, so the spread of what remained after each is what they took together.
local function guessFactor(limit, reported, sent)
  if limit.known or limit.unit == 'requests' or not reported.least then return end
  local first = limit.first or { least = reported.least, most = reported.greatest, count = 0 }
  first.least, first.most = math.min(first.least, reported.least), math.max(first.most, reported.greatest)
  first.count, limit.first = first.count + reported.count, first
  if first.count < 4 or sent <= 0 or first.most <= first.least then return end
  local all = (first.most - first.least) * (first.count + 1) / (first.count - 1)
  limit.factor = clamp(1.1 * all / ((sent + 1) * reported.cost), 0.02, 50)
  -- Less than the usage that the answers tell may mean that the rest is charged later.
  limit.known = limit.factor > 0.7 * math.min(1, reported.used / reported.cost)
end

-- Single headers are off by calls that overtook each other, so they are averaged, the last 300 ms counting most.
local function average(limit, reported, seen)
  local weight = limit.weight * math.exp(-math.max(0, seen.at - limit.lastAt) / 300)
  local share = reported.count / (weight + reported.count)
  limit.remaining = limit.remaining + share * (reported.remaining - limit.remaining)
  limit.at = limit.at + share * (seen.at - limit.at)
  limit.mark = limit.mark + share * (seen.mark - limit.mark)
  limit.lostBefore = limit.lostBefore + share * (reported.lost - limit.lostBefore)
  limit.weight, limit.lastAt = weight + reported.count, math.max(limit.lastAt, seen.at)
end

local function restart(limit, remaining, at, mark)
  limit.remaining, limit.at, limit.mark, limit.lostBefore = remaining, at, mark, limit.lost
  limit.weight, limit.lastAt, limit.stamps, limit.anchor = 1, at, nil, nil
  limit.from = nil
end

local function newReported(reported, before, seen)
  local period = reported.period or before and before.period or minuteMs
  local rate = reported.limit and reported.limit / period or before and before.rate or 0
  local used = reported.limit and reported.limit - reported.remaining or 0
  -- A bucket is full again after what is used has been refilled; a reset that takes longer is a window's.
  local late = reported.reset and reported.limit and reported.reset > used / rate + reported.resetStep + 200 or false
  local scale = before and before.limit and reported.limit and reported.limit / before.limit or 0
  return {
    unit = reported.unit, limit = reported.limit, period = period, periodReported = reported.period ~= nil, rate = rate,
    remaining = reported.remaining, at = seen.at, mark = seen.mark, seenAt = seen.at, resetAt = reported.reset and seen.at + reported.reset,
    lost = 0, lostBefore = 0,
    most = math.max(1, reported.remaining, before and before.most * scale or 0), factor = before and before.factor or 1,
    known = reported.unit == 'requests' or before ~= nil and before.known, noise = reported.cost, least = reported.least, knownAt = before and before.knownAt or seen.at, weight = reported.count, lastAt = seen.at,
    window = late, votes = late and -1 or 0, anchor = reported.reset and { remaining = reported.last, reset = reported.reset } or nil,
  }
end

-- A refused call was not charged; those in flight may be charged only when they are answered.
local function restartRefused(limit, remaining, at, granted, inFlight)
  restart(limit, remaining, at, granted - math.min(inFlight, limit.most / limit.factor / 2))
  limit.since = at
end

-- Some providers stamp their headers when they admit a call, others when they answer it. Both are tried: the one that predicts better holds.
local function judgeStamp(limit, remaining, gone, back)
  local before = limit.stamps or { gone = nil, goneError = 0, backError = 0, count = 0 }
  local function errorOf(seen, now)
    local refill = limit.window and 0 or limit.rate * math.max(0, now.at - seen.at)
    local expected = math.min(limit.most, before.remaining + refill) - limit.factor * math.max(0, now.mark - seen.mark)
    return math.min(limit.most, math.abs(remaining - math.max(0, expected)))
  end
  if before.gone then
    before.goneError = 0.9 * before.goneError + 0.1 * errorOf(before.gone, gone)
    before.backError = 0.9 * before.backError + 0.1 * errorOf(before.back, back)
    if before.count > 10 then
      local late = before.backError < (limit.late and 0.8 or 0.4) * before.goneError
      if late ~= (limit.late or false) then limit.late, limit.weight, limit.from = late, 0, nil end
    end
  end
  limit.stamps = { remaining = remaining, gone = gone, back = back, goneError = before.goneError, backError = before.backError, count = before.count + 1 }
end

-- When the window ends: the call took a while to arrive, so never earlier than computed; where the reset was rounded up, never later.
local function learnReset(limit, reported, seenAt, sameWindow)
  if not reported.reset then return end
  local ends = seenAt + reported.reset
  local better = reported.resetStep > 50 and math.min or math.max
  limit.resetAt = sameWindow and limit.resetAt and math.max(seenAt, better(limit.resetAt, ends)) or ends
end

-- Takes in what the headers of answers said. What a header contradicts is dropped.
local function learnReported(state, reported, inFlight, now)
  local unit, limit = reported.unit, state.reported[reported.name]
  local gone = { at = now - reported.age, mark = reported.mark or state.granted[unit] - inFlight[unit] }
  local back = { at = now - reported.back, mark = state.granted[unit] }
  reported.lost = limit and math.min(limit.lost, reported.lost or (reported.mark and 0 or limit.lost)) or 0
  if not reported.remaining then
    if not reported.limit or (limit and limit.limit == reported.limit) then return end
    reported.remaining = reported.limit * 1000 / (reported.period or minuteMs)
    -- Nothing was said to remain, so nothing was said to be used up.
    reported.last, reported.least, reported.greatest = reported.remaining, 1e300, reported.remaining
  end
  local changed = not limit or (reported.limit and reported.limit ~= limit.limit)
  -- Of a call that went before the limit changed.
  if limit and changed and gone.at < limit.lastAt then return end
  if changed then
    state.reported[reported.name] = newReported(reported, limit, gone)
    return
  end
  limit.seenAt = gone.at
  if reported.refused then
    restartRefused(limit, reported.remaining, gone.at, state.granted[unit], inFlight[unit])
    limit.least = reported.least
    if not limit.window then limit.resetAt = reported.reset and gone.at + reported.reset end
    -- It took more than what remained.
    if reported.scope == unit and reported.remaining > limit.factor * reported.cost then limit.factor = math.min(50, reported.remaining / reported.cost) end
    return
  end
  judgeStamp(limit, reported.remaining, gone, back)
  local seen, late = limit.late and back or gone, limit.late
  if late then reported.lost = limit.lost end
  -- Of a call that went before the window began, or before a refusal said more.
  if seen.at < (limit.since or 0) then return end
  local ended = limit.window and limit.resetAt and seen.at >= limit.resetAt
  judgeShape(limit, reported)
  if ended or limit.rolled then
    if limit.rolled and reported.remaining > limit.most / 4 then limit.trusted = true end
    limit.rolled = nil
    restart(limit, reported.remaining, seen.at, seen.mark)
    learnReset(limit, reported, late and seen.at or now - reported.lastAge, false)
    limit.least = reported.least
  else
    local refill = limit.window and 0 or limit.rate * (seen.at - limit.at) - (reported.lost - limit.lostBefore)
    local expected = limit.remaining + refill - limit.factor * (seen.mark - limit.mark)
    limit.noise = 0.9 * limit.noise + 0.1 * math.min(limit.most / 4, math.abs(reported.remaining - math.max(0, expected)))
    learnFactor(limit, reported, seen)
    average(limit, reported, seen)
    learnReset(limit, reported, late and seen.at or now - reported.lastAge, limit.window)
  end
  limit.least = limit.window and math.min(limit.least, reported.least) or reported.least
  limit.most = math.max(limit.most, reported.greatest)
end

-- A window whose end has come begins again. Until a header has confirmed once that it does, one call looks.
local function rollWindows(state, now)
  for _, limit in pairs(state.reported) do
    if limit.window and limit.resetAt and now >= limit.resetAt then
      restart(limit, limit.most, limit.resetAt, state.granted[limit.unit])
      -- No header has said anything of the new window.
      limit.least = 1e300
      limit.since, limit.rolled = limit.resetAt, true
      limit.resetAt = limit.periodReported and limit.resetAt + limit.period or nil
    end
  end
end
