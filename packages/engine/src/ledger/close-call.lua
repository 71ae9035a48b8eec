-- A call ended and the item is not done: the call's cost is added and the item's attempts are stored.
-- KEYS: meta, open, runs, calls, unsettled, tries
-- ARGV: index, feed, token, callEnd, triesJson
-- ARGV: paidCalls, inputTokens, cachedInputTokens, outputTokens, costNanoUsd
-- callEnd: 'settled' or 'unsettled' (whether it was paid is not known).
-- Returns 'closed', or 'stale': another run holds the item.
-- include: usage.lua
-- include: end-call.lua
if redis.call('EXISTS', meta) == 0 then return 'stale' end
addUsage(meta, { paidCalls, inputTokens, cachedInputTokens, outputTokens, costNanoUsd })
if redis.call('HGET', open, index) ~= feed then return 'stale' end
if redis.call('HGET', runs, index) ~= token then return 'stale' end
endCall(meta, calls, index, callEnd)
if callEnd == 'unsettled' then redis.call('SADD', unsettled, index) end
redis.call('HSET', tries, index, triesJson)
return 'closed'
