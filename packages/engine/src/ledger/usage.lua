-- Shared by the steps that end a call: its cost is added once, whatever happens to the item and however often the step is sent.
-- used: { paid calls, input tokens, cached input tokens, output tokens, cost in nano-dollars }
-- All values become whole numbers, zero or more, before the first is added: Redis does not roll back a failed script, and a
-- failure half-way would count some of them again each time it is run.
local function addUsage(meta, used)
  local fields = { 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'cost_nano_usd' }
  for i, field in ipairs(fields) do
    local by = tonumber(used[i]) or 0
    -- Numbers above 2^53 are not exact; NaN fails both comparisons.
    if by > 0 and by <= 9007199254740992 then redis.call('HINCRBY', meta, field, string.format('%.0f', by)) end
  end
end

-- The call's entry is there until its cost is added: in `calls`, or in `overtaken` once another run took the item.
local function settleCost(meta, calls, overtaken, index, call, callEnd, used)
  if idOf(redis.call('HGET', calls, index)) == call then
    addUsage(meta, used)
    endCall(meta, calls, index, callEnd)
    return
  end
  local expected = redis.call('HGET', overtaken, call)
  if not expected then return end
  redis.call('HDEL', overtaken, call)
  addUsage(meta, used)
  if callEnd == 'settled' and expected ~= '0' then redis.call('HINCRBY', meta, 'expected_nano_usd', -expected) end
end
