-- Records the one final result of an item: set if absent, counted, and added to the order of completion. Safe to run twice.
-- Items with the same text that wait for this one go back to the feeder: the first 1,000 at once, further ones in steps of feed.lua.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, calls, overtaken, unsettled, tries, results, done, failed, twins, parked, chains, requeue, releasing
-- KEYS: groups, grouped, attempts
-- ARGV: index, feed, token, call, status, callEnd, result
-- ARGV: paidCalls, inputTokens, cachedInputTokens, outputTokens, costNanoUsd
-- ARGV: now, channel, textHash, countedAs, group, groupInfo, groupSample, attemptsJson
-- call: id of the item's last call; its cost is added. status: 'succeeded' or 'failed'. callEnd: of its last call, 'settled' or 'unsettled'. result: JSON. now: unix ms.
-- channel: where the change is published. textHash: '' when texts are not compared.
-- countedAs: field of meta that counts answers without a call; '' when a call was made.
-- group, groupInfo, groupSample: of a failure (failure-groups.lua). attemptsJson: '' when its result says it all.
-- Returns {'recorded', status of the batch, items to feed that waited for this one}, or
-- {'stale', status of the batch}: another run holds the item, or it is recorded; the cost is added all the same, once.
-- include: end-call.lua
-- include: usage.lua
-- include: finish.lua
-- include: publish.lua
-- include: shards.lua
-- include: release-parked.lua
-- include: failure-groups.lua
local m = redis.call('HMGET', meta, 'status', 'items_per_shard', 'done_shard', 'total')
if not m[1] then return { 'stale' } end
local perShard, doneShard = m[2], tonumber(m[3]) or 0
settleCost(meta, calls, overtaken, index, call, callEnd, { paidCalls, inputTokens, cachedInputTokens, outputTokens, costNanoUsd })
if redis.call('HGET', open, index) ~= feed or redis.call('HGET', runs, index) ~= token then
  return { 'stale', m[1] }
end
local firstOfShard = doneShard * (tonumber(perShard) or 0)
local inShard = redis.call('RPUSH', shardKey(done, firstOfShard, perShard), index)
if inShard == tonumber(perShard) then redis.call('HSET', meta, 'done_shard', doneShard + 1) end
local position = string.format('%.0f', firstOfShard + inShard - 1)
redis.call('HSET', shardKey(results, index, perShard), index, position .. '|' .. result)
redis.call('HINCRBY', meta, status, 1)
if status == 'failed' then
  redis.call('SADD', shardKey(failed, index, perShard), index)
  local isGrouped = joinGroup(groups, group, groupInfo, index .. '|' .. groupSample)
  if isGrouped then redis.call('HSET', shardKey(grouped, index, perShard), index, group) end
end
if attemptsJson ~= '' and redis.call('HLEN', attempts) < 10000 then redis.call('HSET', attempts, index, attemptsJson) end
redis.call('HDEL', open, index)
redis.call('HDEL', runs, index)
endCall(meta, calls, index, callEnd)
redis.call('SREM', unsettled, index)
redis.call('HDEL', tries, index, 'first:' .. index, 'lost:' .. index)
if countedAs ~= '' then redis.call('HINCRBY', meta, countedAs, 1) end
local released = 0
if textHash ~= '' then
  local hashes = hashShardKey(twins, textHash, m[4], perShard)
  if status == 'succeeded' then
    redis.call('HSET', hashes, textHash, index)
  elseif redis.call('HGET', hashes, textHash) == index then
    redis.call('HSET', hashes, textHash, '-')
  end
  released = releaseParked(parked, chains, requeue, releasing, index, perShard)
end
local batchStatus = finish(meta, open, now)
if batchStatus == m[1] then publishProgress(meta, channel, batchStatus) else redis.call('PUBLISH', channel, batchStatus) end
return { 'recorded', batchStatus, released }
