-- Shared by the steps that end a call: what it cost is added whatever became of it.
-- a: ARGV, from: the place of [paid calls, input tokens, cached input tokens, output tokens, cost in nano-dollars]
local function addUsage(meta, a, from)
  local fields = { 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'cost_nano_usd' }
  for i, field in ipairs(fields) do
    local by = a[from + i - 1]
    if by ~= '0' then redis.call('HINCRBY', meta, field, by) end
  end
end
