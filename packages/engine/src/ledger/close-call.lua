-- A call ended and the item is not done: the call's cost is added and the item's attempts are stored. Safe to run twice.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, calls, overtaken, unsettled, tries
-- ARGV: index, feed, token, call, callEnd, used, triesJson
-- call: id of the call, as open-call.lua got it. callEnd: 'settled' or 'unsettled' (whether it was paid is not known).
-- used: as addUsage in usage.lua takes it.
-- Returns 'closed', or 'stale': another run holds the item.
-- include: end-call.lua
-- include: usage.lua
if redis.call('EXISTS', meta) == 0 then return 'stale' end
settleCost({ [index] = redis.call('HGET', calls, index) }, overtaken, index, call, callEnd, used)
writeUsage(meta)
writeEnded(meta, calls)
if redis.call('HGET', open, index) ~= feed then return 'stale' end
if redis.call('HGET', runs, index) ~= token then return 'stale' end
if callEnd == 'unsettled' then redis.call('SADD', unsettled, index) end
redis.call('HSET', tries, index, triesJson)
return 'closed'
