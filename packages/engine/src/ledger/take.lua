-- A worker takes an item. From here on only this run's token may make calls for the item and record its result.
-- How a call ended that an earlier run left in flight is not known.
-- With the hash of its text: the first item to come makes the call for all items with this text. An item that comes while that one is
-- not done is parked, outside the window, until record.lua sends it back to the feeder; an item that comes later gets its result.
-- If the first one failed, each of the others makes its own call.
-- FLAGS: none
-- KEYS: meta, open, runs, calls, overtaken, unsettled, tries, twins, chains, results, timeline
-- ARGV: index, feed, token, now, keepsTime, textHash, channel
-- now: unix ms. keepsTime: 1 to store when the item was first taken. textHash: '' when texts are not compared.
-- channel: where the change is published.
-- A token of an earlier run that is still there: that run neither ended nor let go, so its process probably died. This is counted.
-- Returns {'twin', index of the item with the same text, its stored result}, {'parked'},
-- {'taken', tries JSON or '', when it was first taken or '', since when the batch's items wait, runs that were lost},
-- {'stale'} (recorded, or fed again: the job is dropped), {'cancelled'} or {'gone'}.
-- include: finish.lua
-- include: end-call.lua
-- include: publish.lua
-- include: shards.lua
-- include: release-parked.lua
-- include: timeline.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard')
local status, perShard = m[1], m[3]
if not status then return { 'gone' } end
if redis.call('HGET', open, index) ~= feed then return { 'stale' } end
overtakeCall(calls, overtaken, unsettled, index)
if status == 'cancelling' then
  redis.call('HDEL', open, index)
  redis.call('HDEL', runs, index)
  finish(meta, open, now)
  return { 'cancelled' }
end
if textHash ~= '' then
  local hashes = hashShardKey(twins, textHash, m[2], perShard)
  local first = redis.call('HGET', hashes, textHash)
  if not first then
    redis.call('HSET', hashes, textHash, index)
  elseif first ~= '-' and first ~= index then
    local result = redis.call('HGET', shardKey(results, first, perShard), first)
    if not result then
      park(chains, first, index, perShard)
      redis.call('HDEL', open, index)
      redis.call('HDEL', runs, index)
      publishProgress(meta, channel, 'changed')
      return { 'parked' }
    end
    redis.call('HSET', runs, index, token)
    return { 'twin', first, result }
  end
end
local before = redis.call('HGET', runs, index)
local lost = redis.call('HGET', tries, 'lost:' .. index) or '0'
if before and before ~= token then
  lost = tostring(redis.call('HINCRBY', tries, 'lost:' .. index, 1))
  noteEventOnce(timeline, 'worker_lost', '')
end
redis.call('HSET', runs, index, token)
local firstTakenAt = ''
if keepsTime == '1' then
  redis.call('HSETNX', tries, 'first:' .. index, now)
  firstTakenAt = redis.call('HGET', tries, 'first:' .. index)
end
local since = redis.call('HGET', meta, 'waiting_since') or redis.call('HGET', meta, 'created_at')
return { 'taken', redis.call('HGET', tries, index) or '', firstTakenAt, since, lost }
