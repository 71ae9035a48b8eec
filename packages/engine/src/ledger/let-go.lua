-- A run ends without a result. A call that it left in flight may have been paid.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, requeue, calls, unsettled
-- ARGV: index, feed, token, to, now, channel
-- to: 'wait' (its job goes back to the lane's queue), 'requeue' (the feeder feeds it again) or 'cancel' (it will not run again).
-- now: unix ms. channel: where the change is published.
-- Returns 'done', or 'stale': another run holds the item.
-- include: finish.lua
-- include: publish.lua
if redis.call('HGET', open, index) ~= feed then return 'stale' end
if redis.call('HGET', runs, index) ~= token then return 'stale' end
redis.call('HDEL', runs, index)
if redis.call('HDEL', calls, index) == 1 then redis.call('SADD', unsettled, index) end
if to == 'wait' then return 'done' end
redis.call('HDEL', open, index)
if to == 'requeue' then
  redis.call('LPUSH', requeue, index)
  publishProgress(meta, channel, 'changed')
else
  redis.call('PUBLISH', channel, finish(meta, open, now))
end
return 'done'
