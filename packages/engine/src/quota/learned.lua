-- The pace that refusals teach, where no header explains them. Between two refusals the provider's limit was used up twice, so what it
-- admitted in between is what it refills: that is the rate. After a refusal the pace follows TCP CUBIC (RFC 9438): from 3 % below the
-- rate up to it, flat around it, then ever faster until the next refusal.

local leastRate, plateauMs, mostRefusedMs = 1 / 60000, 5000, 600000

local function learnedPace(learned, t)
  local seconds = math.max(0, t - learned.at0) / 1000
  if learned.guessed then return learned.rate * math.min(8, 1.25 ^ seconds) end
  local x = 1000 * seconds / learned.plateau - 1
  return learned.rate * math.min(8, 1 + 0.03 * x * x * x)
end

local function refillLearned(learned, t)
  local pace = learnedPace(learned, t)
  learned.level = math.min(math.max(1, learned.cost, 10 * pace), learned.level + pace * math.max(0, t - learned.at))
  learned.at = math.max(learned.at, t)
end

-- `flow` is what went lately, units per ms; `cost` what a call takes.
local function learnFromRefusal(state, unit, heldMs, flow, cost, now)
  local before, rate, guessed = state.learned, 0.6 * flow, true
  if before and before.unit == unit then
    local admitted, elapsed = state.granted[unit] - state.uncharged[unit] - before.mark, now - before.since
    local busy = elapsed - before.held
    if admitted >= 10 * cost and busy > 200 then
      -- What was refilled while the lane waited was used after, as far as there was room for it: the rate is between these two.
      rate, guessed = math.sqrt(admitted / elapsed * admitted / busy), false
      rate = math.max(rate, 0.5 * before.rate)
    else
      -- Too little went to measure it. Nothing at all says only that the wait was too short.
      rate, guessed = (admitted > 0 and 0.7 or 1) * before.rate, before.guessed
    end
  end
  state.learned = {
    unit = unit, rate = math.max(leastRate * cost, rate), guessed = guessed, since = now, held = heldMs, mark = state.granted[unit] - state.uncharged[unit],
    plateau = math.max(plateauMs, 10 * heldMs), level = 0, at = now + heldMs, at0 = now + heldMs, cost = cost,
  }
end

local function forgetLearned(state, now)
  local learned = state.learned
  if learned and now - learned.since > learned.held + mostRefusedMs then state.learned = nil end
end

-- A refusal that may be chance: calls go on at the pace they had, evenly, so that few are refused if it was a limit after all.
local function paceAfterRefusal(state, unit, heldMs, flow, cost, now)
  local before = state.learned
  if before and before.unit == unit then
    before.held = before.held + heldMs
    -- Below a limit nothing is refused for lack of room. Three such refusals say that the limit is not there.
    before.chances = (before.chances or 0) + 1
    if before.chances >= 3 and not before.guessed then before.guessed, before.at0 = true, now + heldMs end
    before.at, before.level = math.max(before.at, now + heldMs), math.min(before.level, 0)
    return
  end
  state.learned = {
    unit = unit, rate = math.max(leastRate * cost, flow), guessed = true, since = now, held = heldMs, mark = state.granted[unit] - state.uncharged[unit],
    plateau = plateauMs, level = 0, at = now + heldMs, at0 = now + heldMs, cost = cost,
  }
end
