-- Shared by the steps that end a call: what it cost is added whatever became of it.
-- a: ARGV, from: the place of [paid calls, input tokens, cached input tokens, output tokens, cost in nano-dollars]
-- Made whole numbers from zero before the first is added: a script that fails is not taken back, and would count some of them each time it is run.
local function addUsage(meta, a, from)
  local fields = { 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'cost_nano_usd' }
  for i, field in ipairs(fields) do
    local by = tonumber(a[from + i - 1]) or 0
    -- Beyond 2^53 (and NaN, which is in no order) nothing is exact.
    if by > 0 and by <= 9007199254740992 then redis.call('HINCRBY', meta, field, string.format('%.0f', by)) end
  end
end
