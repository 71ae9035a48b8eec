-- Records the one final result of each item: set if absent, counted, and added to the order of completion. Safe to run twice.
-- Items with the same text that wait for one of them go back to the feeder: the first 1,000 at once, further ones in steps of feed.lua.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, calls, overtaken, unsettled, tries, results, done, failed, twins, parked, chains, requeue, releasing
-- KEYS: groups, grouped, attempts
-- ARGV: now, channel, entries...
-- now: unix ms. channel: where the change is published.
-- entries: for each item index, feed, token, call, callEnd, used, status, result, textHash, countedAs, group, groupInfo, groupSample, attempts.
-- call: id of the item's last call; its cost is added. callEnd: of this call, 'settled' or 'unsettled'. used: as addUsage in usage.lua takes it.
-- status: 'succeeded' or 'failed'. result: JSON. textHash: '' when texts are not compared.
-- countedAs: field of meta that counts answers without a call; '' when a call was made.
-- group, groupInfo, groupSample: of a failure (failure-groups.lua). attempts: JSON; '' when its result says it all.
-- Returns {status of the batch, items to feed that waited for these, then for each item 'recorded' or 'stale'}.
-- 'stale': another run holds the item, or it is recorded; the cost is added all the same, once.
-- include: fields.lua
-- include: end-call.lua
-- include: usage.lua
-- include: finish.lua
-- include: publish.lua
-- include: shards.lua
-- include: release-parked.lua
-- include: failure-groups.lua
local m = redis.call('HMGET', meta, 'status', 'items_per_shard', 'done_shard', 'total')
local perShard, doneShard = m[2], tonumber(m[3]) or 0
local indexes = indexesOf(entries, 14)
local feeds, tokens, inFlight = readFields(open, indexes), readFields(runs, indexes), readFields(calls, indexes)
local recorded, triesFields, counts, released = {}, {}, {}, 0

local function count(field) counts[field] = (counts[field] or 0) + 1 end

-- Adds the item to the order of completion and returns its position there.
local function complete(index)
  local firstOfShard = doneShard * (tonumber(perShard) or 0)
  local inShard = redis.call('RPUSH', shardKey(done, firstOfShard, perShard), index)
  if inShard == tonumber(perShard) then
    doneShard = doneShard + 1
    redis.call('HSET', meta, 'done_shard', doneShard)
  end
  return string.format('%.0f', firstOfShard + inShard - 1)
end

-- Items with the same text may use the answer now, or make their own calls.
local function answerTwins(index, status, textHash)
  local hashes = hashShardKey(twins, textHash, m[4], perShard)
  if status == 'succeeded' then
    redis.call('HSET', hashes, textHash, index)
  elseif redis.call('HGET', hashes, textHash) == index then
    redis.call('HSET', hashes, textHash, '-')
  end
  released = released + releaseParked(parked, chains, requeue, releasing, index, perShard, mostReleased - released)
end

local function fail(index, group, groupInfo, groupSample)
  redis.call('SADD', shardKey(failed, index, perShard), index)
  if not joinGroup(groups, group, groupInfo, index .. '|' .. groupSample) then return end
  redis.call('HSET', shardKey(grouped, index, perShard), index, group)
end

local function record(index, feed, token, call, callEnd, used, status, result, textHash, countedAs, group, groupInfo, groupSample, attemptsJson)
  if not m[1] then return 'stale' end
  settleCost(inFlight, overtaken, index, call, callEnd, used)
  if feeds[index] ~= feed or tokens[index] ~= token then return 'stale' end
  feeds[index], tokens[index] = false, false
  redis.call('HSET', shardKey(results, index, perShard), index, complete(index) .. '|' .. result)
  count(status)
  if status == 'failed' then fail(index, group, groupInfo, groupSample) end
  if attemptsJson ~= '' and redis.call('HLEN', attempts) < 10000 then redis.call('HSET', attempts, index, attemptsJson) end
  endCall(inFlight, index, callEnd)
  recorded[#recorded + 1] = index
  for _, field in ipairs({ index, 'first:' .. index, 'lost:' .. index }) do triesFields[#triesFields + 1] = field end
  if countedAs ~= '' then count(countedAs) end
  if textHash ~= '' then answerTwins(index, status, textHash) end
  return 'recorded'
end

local replies = {}
for at = 1, #entries, 14 do replies[#replies + 1] = record(unpack(entries, at, at + 13)) end
writeUsage(meta)
writeEnded(meta, calls)
if #recorded == 0 then return { m[1] or 'gone', 0, unpack(replies) } end
for field, by in pairs(counts) do redis.call('HINCRBY', meta, field, by) end
redis.call('HDEL', open, unpack(recorded))
redis.call('HDEL', runs, unpack(recorded))
redis.call('SREM', unsettled, unpack(recorded))
redis.call('HDEL', tries, unpack(triesFields))
local batchStatus = finish(meta, open, now)
if batchStatus == m[1] then publishProgress(meta, channel, batchStatus) else redis.call('PUBLISH', channel, batchStatus) end
return { batchStatus, released, unpack(replies) }
