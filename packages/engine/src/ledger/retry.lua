-- Failed items go back to work with fresh attempts; a completed batch is in progress again.
-- KEYS: meta, results, failed, requeue, groups, grouped, attempts
-- ARGV: channel, now, indexes...
-- channel: where the change is published. now: unix ms. indexes: of the items; those that are not failed are skipped.
-- Returns how many went back, or -1 when the batch is gone, cancelled or being cancelled.
-- include: shards.lua
-- include: failure-groups.lua
local m = redis.call('HMGET', meta, 'status', 'items_per_shard')
local status, perShard = m[1], m[2]
if status ~= 'in_progress' and status ~= 'paused' and status ~= 'completed' then return -1 end
local count = 0
for _, index in ipairs(indexes) do
  if redis.call('SREM', shardKey(failed, index, perShard), index) == 1 then
    redis.call('HDEL', shardKey(results, index, perShard), index)
    redis.call('HDEL', attempts, index)
    local groupOfItem = shardKey(grouped, index, perShard)
    local group = redis.call('HGET', groupOfItem, index)
    if group then
      redis.call('HDEL', groupOfItem, index)
      leaveGroup(groups, group, index)
    end
    redis.call('RPUSH', requeue, index)
    count = count + 1
  end
end
if count > 0 then
  redis.call('HINCRBY', meta, 'failed', -count)
  redis.call('HSET', meta, 'waiting_since', now)
  if status == 'completed' then
    redis.call('HSET', meta, 'status', 'in_progress', 'finished_at', '')
    redis.call('HINCRBY', meta, 'round', 1)
  end
  redis.call('PUBLISH', channel, 'in_progress')
end
return count
