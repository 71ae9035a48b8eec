-- The straight line on which the headers of the last seconds lie:
--   remaining = y + rate * time - early * granted - late * answered
-- rate: what is refilled in a ms. early: what is charged for one of our units when a call is admitted. late: what is charged for it when
-- the call is answered. Weighted least squares, in which the newest samples count most. Where the samples say nothing of a coefficient,
-- it stays what was expected of it (ridge regression).

local sampleLifeMs = 1500

-- Solves three equations by Gauss' elimination; rows are { a, b, c, right side }.
local function solve(rows)
  for i = 1, 3 do
    local pivot = rows[i][i]
    for j = i + 1, 3 do
      local part = rows[j][i] / pivot
      for k = i, 4 do rows[j][k] = rows[j][k] - part * rows[i][k] end
    end
  end
  local found = {}
  for i = 3, 1, -1 do
    local right = rows[i][4]
    for k = i + 1, 3 do right = right - rows[i][k] * found[k] end
    found[i] = right / rows[i][i]
  end
  return found
end

-- `expected`: { rate, early, late }, `doubt`: how far each may be off, `noise`: how far a header may be off. `when`: 'gone' or 'back'.
local function fitLine(samples, when, expected, doubt, noise)
  local newest, sum, mean = samples[#samples][when].t, 0, { t = 0, g = 0, s = 0, y = 0 }
  local weights, answers = {}, 0
  for _, sample in ipairs(samples) do answers = answers + sample.n end
  for i, sample in ipairs(samples) do
    local point = sample[when]
    weights[i] = sample.n * #samples / answers * math.exp(math.min(0, point.t - newest) / sampleLifeMs)
    sum = sum + weights[i]
    for name in pairs(mean) do mean[name] = mean[name] + weights[i] * point[name] end
  end
  for name in pairs(mean) do mean[name] = mean[name] / sum end
  local rows = { { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }
  for i, sample in ipairs(samples) do
    local point = sample[when]
    local x = { point.t - mean.t, mean.g - point.g, mean.s - point.s }
    local off = point.y - mean.y - expected[1] * x[1] - expected[2] * x[2] - expected[3] * x[3]
    for row = 1, 3 do
      for column = 1, 3 do rows[row][column] = rows[row][column] + weights[i] * x[row] * x[column] end
      rows[row][4] = rows[row][4] + weights[i] * x[row] * off
    end
  end
  for i = 1, 3 do rows[i][i] = rows[i][i] + (noise / doubt[i]) ^ 2 end
  local found = solve(rows)
  return {
    t = mean.t, g = mean.g, s = mean.s, y = mean.y,
    rate = expected[1] + found[1], early = expected[2] + found[2], late = expected[3] + found[3],
  }
end
