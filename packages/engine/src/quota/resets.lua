-- What `reset` says: whether the limit is a bucket or a fixed window, and when it is whole again.

local function clamp(value, least, most) return math.max(least, math.min(most, value)) end

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
    limit.rateKnown = true
  end
  limit.anchor = { remaining = reported.last, reset = reported.reset }
end

-- When the limit is whole again. The header was written after the call went and before its answer came, so counted from the one it is too
-- early, and from the other too late. A reset that is rounded up is never too early.
local function learnReset(limit, reported, now, sameWindow)
  local ends = reported.ends
  if not ends then return end
  local coarse = reported.resetStep > 50
  local gone, back = now + (coarse and ends.earliestGone or ends.latestGone), now + ends.earliestBack
  if sameWindow and limit.ends then
    gone, back = (coarse and math.min or math.max)(limit.ends.gone, gone), math.min(limit.ends.back, back)
  end
  limit.ends, limit.guard = { gone = gone, back = back }, limit.guard or (coarse and 25 or 0)
  limit.resetAt = limit.errors.gone < 0.7 * limit.errors.back and gone or back
end
