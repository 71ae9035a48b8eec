-- Limits of the lane's configuration, which all of its models share. Up to a minute: a bucket that holds little, so that no sliding
-- period holds more than the limit. Longer: counted in parts, so that all of it may go at once.

local budgetParts, longestBucketMs = 24, 60000

-- The rate is less by what the burst adds: 250 ms of a minute, 25 ms of a second.
local function configuredBucket(limit, now)
  local smallest = limit.kind == 'requests' and 1 or 0
  local most = math.max(smallest, limit.most * math.min(250 / limit.periodMs, 1 / 40))
  return {
    kind = limit.kind, limit = limit.most, period = limit.periodMs, rate = (limit.most - (most - smallest)) / limit.periodMs,
    most = most, level = most, at = now,
  }
end

local function configure(lane, limits, now)
  local buckets, budgets = {}, {}
  for _, limit in ipairs(limits) do
    local key = limit.kind .. ' ' .. limit.periodMs
    if limit.periodMs > longestBucketMs then
      budgets[key] = lane.budgets[key] or { kind = limit.kind, period = limit.periodMs, parts = {} }
      budgets[key].most = limit.most
    else
      local before = lane.buckets[key]
      buckets[key] = before and before.limit == limit.most and before or configuredBucket(limit, now)
    end
  end
  lane.buckets, lane.budgets = buckets, budgets
end

local function refillConfigured(bucket, t)
  if t <= bucket.at then return end
  bucket.level, bucket.at = math.max(bucket.level, math.min(bucket.most, bucket.level + bucket.rate * (t - bucket.at))), t
end

-- What went in the last whole parts of the period and in the one that has begun is never more than the limit.
local function spendBudget(budget, amount, t)
  local part, last = math.floor(t / (budget.period / budgetParts)), budget.parts[#budget.parts]
  if not last or last[1] ~= part then
    last = { part, 0 }
    budget.parts[#budget.parts + 1] = last
  end
  last[2], budget.left = last[2] + amount, budget.left - amount
end

-- To the oldest part first: then no later period sums up to less than went in it.
local function giveBackBudget(budget, amount, t)
  if amount < 0 then return spendBudget(budget, -amount, t) end
  for _, part in ipairs(budget.parts) do
    local from = math.min(amount, part[2])
    part[2], budget.left, amount = part[2] - from, budget.left + from, amount - from
  end
end

local function countBudget(budget, now)
  local oldest = math.floor(now / (budget.period / budgetParts)) - budgetParts
  while budget.parts[1] and budget.parts[1][1] < oldest do table.remove(budget.parts, 1) end
  budget.left = budget.most
  for _, part in ipairs(budget.parts) do budget.left = budget.left - part[2] end
end

-- What came back of calls that were not made, less what calls used beyond their reservation. Nothing is minted.
local function giveBackConfigured(lane, back, over, now)
  for _, bucket in pairs(lane.buckets) do
    local amount = bucket.kind == 'requests' and back.requests or back.tokens - over
    bucket.level = math.min(math.max(bucket.most, bucket.level), bucket.level + amount)
  end
  for _, budget in pairs(lane.budgets) do
    countBudget(budget, now)
    giveBackBudget(budget, budget.kind == 'requests' and back.requests or back.tokens - over, now)
  end
end
