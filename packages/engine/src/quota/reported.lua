-- Limits that headers reported. What remains now is read off the line on which the last headers lie (fit.lua): what they said remained,
-- plus what was refilled since, minus what was granted since. `lost` sums up what a full bucket could not take, so that it does not count
-- as refilled. `lane` has the counters of all processes: granted, settled (answered), inFlight.

local minuteMs, mostSamples, mergeMs = 60000, 30, 40

-- What the line says of an instant; what is in flight is not yet charged where the provider charges answers.
local function remainingAt(limit, lane, t)
  local line, unit = limit.line, limit.unit
  local left = line.y + line.rate * (t - line.t) - line.early * (lane.granted[unit] - line.g) - line.late * (lane.settled[unit] - line.s)
  return left - limit.lost
end

-- Tokens that the provider charges for one of ours, in all.
local function factorOf(limit) return math.max(0.02, limit.line.early + limit.line.late) end

-- What a provider must find to admit a call. Some reserve an estimate and give back the rest with the answer.
local function chargeAtOnce(limit) return math.max(factorOf(limit), limit.line.early) end

-- What calls may still take. Never further below zero than what is in flight can take: everything else has been answered.
local function reportedLevel(limit, lane, t)
  local inFlight = lane.inFlight[limit.unit]
  local level = remainingAt(limit, lane, t) - math.max(0, limit.line.late) * inFlight
  return math.max(-factorOf(limit) * inFlight, level)
end

local function spill(limit, lane, t)
  local over = remainingAt(limit, lane, t) - limit.most
  if over > 0 then limit.lost = limit.lost + over end
end

-- Kept back for what no header has reported yet: four standard errors of the line, and 40 ms of refill. It costs little, because it is kept
-- back once. A window needs none when all of its calls have been answered.
local function reportedReserve(limit, lane)
  local unseen = factorOf(limit) * lane.inFlight[limit.unit]
  local errors = math.min(limit.most / 4, 4 / math.sqrt(#limit.samples) * limit.noise)
  if limit.window then return math.max(limit.most / (limit.unit == 'tokens' and 100 or 200), math.min(limit.most / 2.5, errors, unseen / (limit.trusted and 4 or 1))) end
  -- What a token is charged is not known exactly.
  local doubt = limit.unit == 'tokens' and unseen / (limit.learned and 10 or 4) or 0
  return math.min(limit.most / 2.5, math.max(errors, 40 * limit.line.rate, doubt))
end

-- Begins the line again at one header; what was learned of rate and charge stays.
local function restart(limit, remaining, at)
  local function point(when) return { t = when.t, g = when.g, s = when.s, y = remaining + when.lost } end
  limit.samples = { { gone = point(at.gone), back = point(at.back), n = at.n or 1 } }
  limit.anchor = nil
  for _, when in ipairs({ 'gone', 'back' }) do
    local first, before = limit.samples[1][when], limit.lines[when]
    limit.lines[when] = { t = first.t, g = first.g, s = first.s, y = first.y, rate = before.rate, early = before.early, late = before.late }
  end
  limit.line = limit.lines[limit.stamp]
end

-- How the coefficients of the line are expected to be, and how far off.
local function expectations(limit)
  local e, tokens = limit.expected, limit.unit == 'tokens'
  local rate = limit.window and 0 or limit.rate
  local scale = math.max(limit.rate, limit.most / minuteMs)
  -- A request counts as one; other clients of the account make the refill seem less. What a token is charged must be learned.
  local rateDoubt = limit.window and 0.001 * scale or not limit.told and 10 * scale or tokens and 0.02 * scale or scale
  if not tokens then return { rate, e.early, e.late }, { rateDoubt, 0.001, 0.001 } end
  local scale = math.max(e.early, e.early + e.late)
  if not limit.known then return { rate, e.early, e.late }, { rateDoubt, scale, scale } end
  -- In a window most calls go at once, which does not tell the two charges apart.
  return { rate, e.early, e.late }, { rateDoubt, (limit.window and 0.03 or 0.15) * scale, (limit.window and 0.03 or 0.15) * scale }
end

local function refit(limit, cost)
  local expected, doubt = expectations(limit)
  local noise = limit.noise
  if limit.window then
    -- Calls that go at once arrive in any order; the mean of many says more.
    local answers = 0
    for _, sample in ipairs(limit.samples) do answers = answers + sample.n end
    noise = noise / math.sqrt(math.max(1, answers / 10))
  end
  noise = math.max(noise, cost * factorOf(limit) / 2)
  for _, when in ipairs({ 'gone', 'back' }) do
    local line = fitLine(limit.samples, when, expected, doubt, noise)
    line.rate = clamp(line.rate, 0, limit.rateKnown and 1.2 * limit.rate or 1e300)
    line.early = clamp(line.early, 0, 50)
    line.late = clamp(line.late, -0.9 * line.early, 50)
    if line.early + line.late < 0.02 then line.early, line.late = 0.02, 0 end
    limit.lines[when] = line
  end
  limit.line = limit.lines[limit.stamp]
  local first, last = limit.samples[1].gone, limit.samples[#limit.samples].gone
  -- Both what was granted and what was answered must have grown, or the two charges are not known apart.
  local counted = limit.known and last.g - first.g or math.min(last.g - first.g, last.s - first.s)
  if #limit.samples >= 4 and counted > math.max(10 * cost, 8 * limit.noise / factorOf(limit)) then
    limit.known = true
    -- What the line has found is expected of the next ones.
    local e, line = limit.expected, limit.line
    limit.expected = { early = e.early + 0.02 * (line.early - e.early), late = e.late + 0.02 * (line.late - e.late) }
    limit.learned = { early = line.early, late = line.late }
  end
end

-- The lane's first calls arrive at once and in any order, so the spread of what remained after each is what they took together. Where that is
-- next to nothing, calls are charged when they are answered.
local function guessFactor(limit, reported, sent)
  if limit.known or limit.guessed or limit.unit == 'requests' or not reported.least then return end
  local first = limit.first or { least = reported.least, most = reported.greatest, count = 0 }
  first.least, first.most = math.min(first.least, reported.least), math.max(first.most, reported.greatest)
  first.count, limit.first = first.count + reported.count, first
  if first.count < math.max(4, math.min(8, sent - 1)) or sent <= 0 then return end
  local all = (first.most - first.least) * (first.count + 1) / (first.count - 1)
  local early = clamp(1.1 * all / ((sent + 1) * reported.cost), 0.02, 50)
  local late = early < 0.05 and 1 or 0
  limit.guessed, limit.first = true, nil
  limit.expected = { early = early, late = late }
  for _, line in pairs(limit.lines) do line.early, line.late = early, late end
  limit.line.early, limit.line.late = early, late
  -- Less than the usage that the answers report may mean that the rest is charged later.
  limit.known = early > 0.7 * math.min(1, reported.used / reported.cost)
end

local function newReported(reported, before, at, now)
  local period = reported.period or before and before.period or minuteMs
  local rate = reported.limit and reported.limit / period or before and before.rate or 0
  local used = reported.limit and reported.limit - reported.remaining or 0
  -- A bucket is full again after what is used has been refilled; a reset that takes longer is a window's.
  local late = reported.reset and reported.limit and reported.reset > used / rate + reported.resetStep + 200 or false
  local scale = before and before.limit and reported.limit and reported.limit / before.limit or 0
  local learned = before and (before.learned or before.expected) or { early = 1, late = 0 }
  local line = { rate = rate, early = learned.early, late = learned.late }
  local limit = {
    unit = reported.unit, generation = before and before.generation + 1 or 0, limit = reported.limit, period = period, periodReported = reported.period ~= nil, rate = rate, told = reported.limit ~= nil,
    seenAt = at.gone.t, resetAt = reported.reset and at.gone.t + reported.reset, lost = 0,
    most = math.max(1, reported.remaining, before and before.most * scale or 0), expected = { early = learned.early, late = learned.late },
    known = reported.unit == 'requests' or before ~= nil and before.known, noise = reported.cost, least = reported.least,
    window = late, votes = late and -1 or 0, stamp = before and before.stamp or 'gone', errors = { gone = 0, back = 0, count = 0 },
    lines = { gone = line, back = line },
  }
  at.gone.lost, at.back.lost = 0, 0
  restart(limit, reported.remaining, at)
  judgeShape(limit, reported, now)
  return limit
end

local function expectedOf(limit, when, point)
  local line = limit.lines[when]
  local left = line.y + line.rate * (point.t - line.t) - line.early * (point.g - line.g) - line.late * (point.s - line.s) - point.lost
  return clamp(left, 0, limit.most)
end

-- Some providers write their headers when they admit a call, others when they answer it. The one that predicts better holds.
local function judgeStamp(limit, remaining, at)
  local errors = limit.errors
  for _, when in ipairs({ 'gone', 'back' }) do
    errors[when] = 0.9 * errors[when] + 0.1 * math.abs(remaining - expectedOf(limit, when, at[when]))
  end
  errors.count = errors.count + 1
  if limit.window and limit.endStamp then limit.stamp = limit.endStamp return end
  if errors.count <= 10 then return end
  -- Where many calls arrive at once, their order is not known, and neither line predicts well.
  local close = errors.back < math.max(limit.noise / 4, limit.most / 16)
  limit.stamp = close and errors.back < (limit.stamp == 'back' and 0.9 or 0.6) * errors.gone and 'back' or 'gone'
end

local function addSample(limit, remaining, at)
  local last = limit.samples[#limit.samples]
  local n = at.n
  if #limit.samples > 1 and math.abs(at.gone.t - last.gone.t) < mergeMs then
    local share = n / (n + last.n)
    for _, when in ipairs({ 'gone', 'back' }) do
      local point, new = last[when], at[when]
      for _, name in ipairs({ 't', 'g', 's' }) do point[name] = point[name] + share * (new[name] - point[name]) end
      point.y = point.y + share * (remaining + new.lost - point.y)
    end
    last.n = last.n + n
    return
  end
  local function point(when) return { t = when.t, g = when.g, s = when.s, y = remaining + when.lost } end
  limit.samples[#limit.samples + 1] = { gone = point(at.gone), back = point(at.back), n = n }
  if #limit.samples > mostSamples then table.remove(limit.samples, 1) end
end

-- A refused call was not charged. Of a window nothing is left. Of a bucket it tells as much as any header, and is worth several.
local function addRefusal(limit, remaining, t, lane, cost, at)
  local unit = limit.unit
  local point = { t = t, g = lane.granted[unit] - lane.ahead[unit], s = lane.settled[unit], lost = limit.lost }
  if not limit.window then
    local gone = at and at.gone or point
    local mine = { t = gone.t, g = gone.g - cost, s = gone.s, lost = gone.lost }
    addSample(limit, remaining, { gone = mine, back = mine, n = 5 })
    refit(limit, cost)
    return
  end
  restart(limit, remaining, { gone = point, back = point })
  -- What was charged by then is not known, so the next header begins the line again.
  limit.since, limit.unsure, limit.generation = t, true, limit.generation + 1
end

local function refillSince(limit, seen)
  local last = limit.samples[#limit.samples][limit.stamp]
  return limit.window and 0 or math.max(limit.rate, limit.line.rate) * math.max(0, seen.t - last.t)
end

-- Whether more remains than calls and refill explain: a window began, or the account got more.
local function hasJumped(limit, reported, lane, seen, now)
  if limit.window and reported.ends and reported.resetStep <= 50 then return otherWindow(limit, reported, now) > 0 end
  -- An answer that took longer than later ones is no news.
  if not limit.known or limit.rolled or seen.t < limit.samples[#limit.samples][limit.stamp].t then return false end
  local before = limit.lastRemaining
  if not before then return false end
  local disorder = math.min(limit.most / 4, factorOf(limit) * lane.inFlight[limit.unit])
  return reported.remaining > before + disorder + 2 * refillSince(limit, seen) + limit.most / 8 + 4 * limit.noise
end

-- Takes in what the headers of answers said. What a header contradicts is dropped.
local function learnReported(state, reported, lane, now)
  local unit, limit = reported.unit, state.reported[reported.name]
  local granted, settled = lane.granted[unit], lane.settled[unit]
  local lost = limit and limit.lost or 0
  local at = {
    n = reported.count,
    gone = {
      t = now - reported.age, g = reported.mark or granted - lane.inFlight[unit], s = reported.settled or settled,
      lost = math.min(lost, reported.lost or (reported.mark and 0 or lost)),
    },
    back = { t = now - reported.back, g = granted - lane.ahead[unit], s = settled, lost = lost },
  }
  if not reported.remaining then
    if not reported.limit or (limit and limit.limit == reported.limit) then return end
    reported.remaining = reported.limit * 1000 / (reported.period or minuteMs)
    -- Nothing was said to remain, so nothing was said to be used up.
    reported.last, reported.least, reported.greatest = reported.remaining, 1e300, reported.remaining
  end
  local changed = not limit or (reported.limit and reported.limit ~= limit.limit)
  -- Of a call that went before the limit changed.
  if limit and changed and at.gone.t < limit.seenAt then return end
  if changed then
    state.reported[reported.name] = newReported(reported, limit, at, now)
    return
  end
  limit.seenAt = math.max(limit.seenAt, at.gone.t)
  if reported.refused then
    addRefusal(limit, reported.remaining, at.gone.t, lane, reported.cost, at)
    limit.least = reported.least
    learnReset(limit, reported, now, false)
    return
  end
  judgeStamp(limit, reported.remaining, at)
  local seen = at[limit.stamp]
  -- Of a call that went before the window began, or before a refusal said more.
  if seen.t < (limit.since or 0) or reported.generation < limit.generation then return end
  judgeShape(limit, reported, now)
  local expected = expectedOf(limit, limit.stamp, seen)
  local jumped = hasJumped(limit, reported, lane, seen, now)
  -- A bucket that may have been full since the last header does not tell what was taken in between.
  local full = limit.unit == 'tokens' and not limit.window and (limit.lastRemaining or reported.remaining) + refillSince(limit, seen) >= limit.most
  limit.lastRemaining = reported.remaining
  -- What a bucket lacks never comes back at once.
  if jumped and reported.reset and reported.remaining > 0.7 * limit.most then
    limit.votes = clamp(limit.votes - 1, -3, 3)
    limit.window = limit.votes < 0
  end
  -- It was not yet over.
  local less = limit.window and otherWindow(limit, reported, now) < 0
  if limit.unsure or jumped or less or limit.rolled and not limit.trusted then
    if limit.learned then limit.expected = limit.learned end
    restart(limit, reported.remaining, at)
    learnReset(limit, reported, now, false)
    if jumped and not limit.rolled then
      -- Answers of calls that went before it are of no use.
      limit.generation, limit.unsure = limit.generation + 1, true
      if limit.resetAt then limit.resetAt = math.max(limit.resetAt, now + reported.ends.latestGone) end
    else
      limit.unsure = nil
    end
    limit.least = reported.least
  else
    limit.noise = 0.9 * limit.noise + 0.1 * math.min(limit.most / 4, math.abs(reported.remaining - expected))
    if full then restart(limit, reported.remaining, at) else addSample(limit, reported.remaining, at) end
    refit(limit, reported.cost)
    learnReset(limit, reported, now, limit.window)
  end
  if limit.rolled then
    limit.trusted = not less and (limit.trusted or reported.remaining > limit.most / 4)
    limit.rolled = nil
  end
  limit.least = limit.window and math.min(limit.least, reported.least) or reported.least
  limit.most = math.max(limit.most, reported.greatest)
end

-- At a window's end all that it charged is known, whatever the order in which its calls arrived.
local function learnFromWindow(limit, lane)
  local answered = limit.beganWith and lane.settled[limit.unit] - limit.beganWith or 0
  local charged = limit.most - limit.least
  if limit.unit == 'requests' or charged < limit.most / 4 or answered <= 0 then return end
  local measured = clamp(charged / answered, 0.02, 50)
  local e = limit.learned or limit.expected
  local part = limit.known and 0.5 or 1
  local early = clamp(e.early + part * (measured - e.early - e.late), 0, 50)
  limit.learned, limit.known = { early = early, late = e.late }, true
  for _, line in pairs(limit.lines) do line.early, line.late = early, e.late end
end

-- A window whose end has come begins again. Until a header has confirmed once that it does, one call looks.
local function rollWindows(state, lane, now)
  for _, limit in pairs(state.reported) do
    -- Whatever its shape: when the reset of the newest header is over and nothing was granted since, the limit is whole.
    local low = limit.votes <= 0 and lane.inFlight[limit.unit] == 0 and remainingAt(limit, lane, now) < limit.most / 2
    if (limit.window or low) and limit.resetAt and now >= limit.resetAt + (limit.guard or 0) then
      limit.generation = limit.generation + 1
      local unit = limit.unit
      local point = { t = limit.resetAt, g = lane.granted[unit], s = lane.settled[unit], lost = limit.lost }
      learnFromWindow(limit, lane)
      if limit.learned then limit.expected = limit.learned end
      limit.beganWith = lane.settled[unit]
      restart(limit, limit.most, { gone = point, back = point, n = limit.trusted and 20 or 1 })
      limit.lastRemaining, limit.ends, limit.unsure = nil, nil, nil
      -- No header has said anything of the new window.
      limit.least = 1e300
      limit.since, limit.began, limit.rolled = limit.resetAt, limit.resetAt, true
      limit.resetAt = limit.periodReported and limit.resetAt + limit.period or nil
    end
  end
end
