-- Shared by the steps that end calls: the cost of each is added once, whatever happens to its item and however often the step is sent.
local usageFields = { 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'cost_nano_usd' }
-- Of all items of the step, written once.
local spent = { 0, 0, 0, 0, 0 }

-- used: 'paid calls, input tokens, cached input tokens, output tokens, cost in nano-dollars', separated by spaces.
-- All values become whole numbers, zero or more, before the first is added: Redis does not roll back a failed script, and a
-- failure half-way would count some of them again each time it is run.
local function addUsage(used)
  local i = 0
  for value in used:gmatch('%S+') do
    i = i + 1
    local by = tonumber(value) or 0
    -- Numbers above 2^53 are not exact; NaN fails both comparisons.
    if spent[i] and by > 0 and by <= 9007199254740992 then spent[i] = spent[i] + by end
  end
end

local function writeUsage(meta)
  for i, field in ipairs(usageFields) do
    if spent[i] > 0 then redis.call('HINCRBY', meta, field, string.format('%.0f', spent[i])) end
  end
end

-- The call's entry is there until its cost is added: in `entries`, those of `calls`, or in `overtaken` once another run took the item.
local function settleCost(entries, overtaken, index, call, callEnd, used)
  if idOf(entries[index]) == call then
    addUsage(used)
    endCall(entries, index, callEnd)
    return
  end
  local expected = redis.call('HGET', overtaken, call)
  if not expected then return end
  redis.call('HDEL', overtaken, call)
  addUsage(used)
  if callEnd == 'settled' then ended.expected = ended.expected + tonumber(expected) end
end
