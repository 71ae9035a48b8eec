-- What `reset` says: whether the limit is a bucket or a fixed window, and when it is whole again.

local function clamp(value, least, most) return math.max(least, math.min(most, value)) end

-- In a bucket, reset follows from what remains: when one falls, the other grows, which also gives the rate of the refill. In a window, the
-- end stays where it is, whatever remains; in the next window both are larger.
local function judgeShape(limit, reported, now)
  if not reported.reset or not reported.ends then return end
  local at = { remaining = reported.last, reset = reported.reset, gone = now + reported.ends.latestGone, back = now + reported.ends.latestBack }
  local seen = limit.anchor
  if not seen then
    limit.anchor = at
    return
  end
  local change, resetChange, step = at.remaining - seen.remaining, at.reset - seen.reset, reported.resetStep
  local moved = math.min(math.abs(at.gone - seen.gone), math.abs(at.back - seen.back))
  local sameEnd = moved < 15 + step and resetChange < -60 - 2 * step and change <= -2
  if not sameEnd and (math.abs(change) < 2 or math.abs(resetChange) < 1.05 * step + 20) then return end
  local bucket = not sameEnd and change * resetChange < 0
  limit.votes = clamp(limit.votes + (bucket and 1 or -1), -3, 3)
  limit.window = limit.votes < 0
  if bucket and math.abs(change) >= 20 and math.abs(resetChange) > 20 * step then
    local slope = math.abs(change / resetChange)
    local known = limit.limit and limit.limit / limit.period or limit.rate
    limit.rate = math.abs(slope - known) < known / 4 and known or slope
    if limit.limit then limit.period = limit.limit / limit.rate end
    limit.rateKnown = true
  end
  limit.anchor = at
end

-- Whether headers are written when a call is admitted or when it is answered: all headers of a window speak of the same end, so the instants
-- that the right reading gives lie close together.
local function stampOfEnds(ends)
  local gone, back = ends.latestGone - ends.earliestGone, ends.latestBack - ends.earliestBack
  if math.max(gone, back) < 20 then return nil end
  return back < 0.5 * gone and 'back' or 'gone'
end

-- When the limit is whole again. The header was written after the call went and before its answer came, so counted from the one it is too
-- early, and from the other too late. A reset that is rounded up is never too early.
local function learnReset(limit, reported, now, sameWindow)
  if not reported.ends then return end
  local before, coarse = sameWindow and limit.ends, reported.resetStep > 50
  local ends = {}
  for _, when in ipairs({ 'Gone', 'Back' }) do
    local earliest, latest = now + reported.ends['earliest' .. when], now + reported.ends['latest' .. when]
    ends['earliest' .. when] = before and math.min(before['earliest' .. when], earliest) or earliest
    ends['latest' .. when] = before and math.max(before['latest' .. when], latest) or latest
  end
  limit.ends, limit.guard = ends, limit.guard or (coarse and 25 or 0)
  if limit.window and not coarse then limit.endStamp = stampOfEnds(ends) or limit.endStamp end
  local back = ends.earliestBack
  local stamp = limit.endStamp or (limit.errors.gone < 0.7 * limit.errors.back and 'gone' or 'back')
  limit.resetAt = stamp == 'back' and back or coarse and ends.earliestGone or ends.latestGone
end

-- Of a window: the header speaks of a later end than the headers before it (positive) or of the end of the window before (negative).
local function otherWindow(limit, reported, now)
  if not reported.ends or reported.resetStep > 50 then return 0 end
  if limit.ends and now + reported.ends.earliestGone > limit.ends.earliestBack + 20 then return 1 end
  if limit.rolled and now + reported.ends.latestBack < limit.began + 20 then return -1 end
  return 0
end
