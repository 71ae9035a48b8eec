-- The last check before money is spent: the call may start only while this run holds the item, and below the batch's cap on the cost.
-- If how an earlier call ended is not known, this call repeats it.
-- FLAGS: none
-- KEYS: meta, open, runs, calls, unsettled
-- ARGV: index, feed, token, call, inputNanoUsd, outputTokenNanoUsd, mostOutputTokens
-- call: id of the call, unique in the batch. inputNanoUsd: expected cost of the input. outputTokenNanoUsd: price of an output token. mostOutputTokens: '' when not limited; then
-- twice the average of the batch's answers is expected, or 1,000 while there are none.
-- Returns 'opened', 'repeated' (opened, too), 'stale', 'paused', 'cancelled' or 'over-cost'.
-- include: end-call.lua
if redis.call('HGET', open, index) ~= feed then return 'stale' end
if redis.call('HGET', runs, index) ~= token then return 'stale' end
local m = redis.call('HMGET', meta, 'status', 'max_cost_nano_usd', 'cost_nano_usd', 'expected_nano_usd', 'output_tokens', 'calls')
local status, cap, spent, pending = m[1], m[2], tonumber(m[3] or 0), tonumber(m[4] or 0)
if status == 'paused' then return 'paused' end
if status ~= 'in_progress' then return 'cancelled' end
endCall(meta, calls, index, 'settled')
local expected = tonumber(inputNanoUsd)
if tonumber(outputTokenNanoUsd) > 0 then
  local output = tonumber(mostOutputTokens)
  if not output then
    local made = tonumber(m[6] or 0)
    output = made > 0 and math.ceil(2 * tonumber(m[5] or 0) / made) or 1000
  end
  expected = expected + output * tonumber(outputTokenNanoUsd)
end
if cap and cap ~= '' and spent + pending + expected > tonumber(cap) then return 'over-cost' end
local repeats = redis.call('SREM', unsettled, index) == 1
if repeats then redis.call('HINCRBY', meta, 'repeated_calls', 1) end
if expected > 0 then redis.call('HINCRBY', meta, 'expected_nano_usd', string.format('%.0f', expected)) end
redis.call('HSET', calls, index, call .. '|' .. string.format('%.0f', expected))
return repeats and 'repeated' or 'opened'
