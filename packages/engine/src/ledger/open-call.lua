-- The last word before money is spent: the call may go only while this run still holds the item, and below the batch's cap on the cost.
-- Where an earlier call is not known to have ended, this one repeats it.
-- KEYS: meta, open, runs, calls, unsettled.
-- ARGV: index, feed number, run token, cost of the input in nano-dollars, price of an output token in nano-dollars,
--       most output tokens ('': not limited, so twice what the batch's answers had on average, or 1,000 while there are none).
-- Returns 'opened', 'repeated' (opened, too), 'stale', 'paused', 'cancelled' or 'over-cost'.
-- include: end-call.lua
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 'stale' end
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[3] then return 'stale' end
local m = redis.call('HMGET', KEYS[1], 'status', 'max_cost_nano_usd', 'cost_nano_usd', 'expected_nano_usd', 'output_tokens', 'calls')
if m[1] == 'paused' then return 'paused' end
if m[1] ~= 'in_progress' then return 'cancelled' end
endCall(KEYS[1], KEYS[4], ARGV[1], 'settled')
local expected = tonumber(ARGV[4])
if tonumber(ARGV[5]) > 0 then
  local output = tonumber(ARGV[6])
  if not output then
    local calls = tonumber(m[6] or 0)
    output = calls > 0 and math.ceil(2 * tonumber(m[5] or 0) / calls) or 1000
  end
  expected = expected + output * tonumber(ARGV[5])
end
if m[2] and m[2] ~= '' and tonumber(m[3] or 0) + tonumber(m[4] or 0) + expected > tonumber(m[2]) then return 'over-cost' end
local repeats = redis.call('SREM', KEYS[5], ARGV[1]) == 1
if repeats then redis.call('HINCRBY', KEYS[1], 'repeated_calls', 1) end
if expected > 0 then redis.call('HINCRBY', KEYS[1], 'expected_nano_usd', string.format('%.0f', expected)) end
redis.call('HSET', KEYS[4], ARGV[1], ARGV[3] .. '|' .. string.format('%.0f', expected))
return repeats and 'repeated' or 'opened'
