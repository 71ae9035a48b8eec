-- The last check before money is spent: a call may start only while its run holds the item, and below the batch's cap on the cost.
-- If how an earlier call ended is not known, this call repeats it.
-- FLAGS: none
-- KEYS: meta, open, runs, calls, unsettled
-- ARGV: entries...
-- entries: for each item index, feed, token, call, inputNanoUsd, outputTokenNanoUsd, mostOutputTokens.
-- call: id of the call, unique in the batch. inputNanoUsd: expected cost of the input. outputTokenNanoUsd: price of an output token. mostOutputTokens: '' when not limited; then
-- twice the average of the batch's answers is expected, or 1,000 while there are none.
-- Returns for each item 'opened', 'repeated' (opened, too), 'stale', 'paused', 'cancelled' or 'over-cost'.
-- include: fields.lua
-- include: end-call.lua
local m = redis.call('HMGET', meta, 'status', 'max_cost_nano_usd', 'cost_nano_usd', 'expected_nano_usd', 'output_tokens', 'calls')
local status, cap, spent, pending = m[1], m[2], tonumber(m[3] or 0), tonumber(m[4] or 0)
local indexes = indexesOf(entries, 7)
local feeds, tokens, inFlight = readFields(open, indexes), readFields(runs, indexes), readFields(calls, indexes)
local isUnsettled = redis.call('SMISMEMBER', unsettled, unpack(indexes))
local opened, repeats, expectedOfAll = {}, {}, 0

local function usualOutput()
  local made = tonumber(m[6] or 0)
  return made > 0 and math.ceil(2 * tonumber(m[5] or 0) / made) or 1000
end

local function openCall(i, index, feed, token, call, inputNanoUsd, outputTokenNanoUsd, mostOutputTokens)
  if feeds[index] ~= feed or tokens[index] ~= token then return 'stale' end
  if status == 'paused' then return 'paused' end
  if status ~= 'in_progress' then return 'cancelled' end
  endCall(inFlight, index, 'settled')
  local expected = tonumber(inputNanoUsd)
  if tonumber(outputTokenNanoUsd) > 0 then
    expected = expected + (tonumber(mostOutputTokens) or usualOutput()) * tonumber(outputTokenNanoUsd)
  end
  if cap and cap ~= '' and spent + pending + expected > tonumber(cap) then return 'over-cost' end
  pending, expectedOfAll = pending + expected, expectedOfAll + expected
  opened[#opened + 1] = index
  opened[#opened + 1] = call .. '|' .. string.format('%.0f', expected)
  if isUnsettled[i] == 0 then return 'opened' end
  repeats[#repeats + 1] = index
  return 'repeated'
end

local replies = {}
for i, index in ipairs(indexes) do
  local at = 7 * i - 6
  replies[i] = openCall(i, index, entries[at + 1], entries[at + 2], entries[at + 3], entries[at + 4], entries[at + 5], entries[at + 6])
end
writeEnded(meta, calls)
if #repeats > 0 then
  redis.call('SREM', unsettled, unpack(repeats))
  redis.call('HINCRBY', meta, 'repeated_calls', #repeats)
end
if expectedOfAll > 0 then redis.call('HINCRBY', meta, 'expected_nano_usd', string.format('%.0f', expectedOfAll)) end
if #opened > 0 then redis.call('HSET', calls, unpack(opened)) end
return replies
