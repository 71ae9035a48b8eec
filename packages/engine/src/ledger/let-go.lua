-- A run ends without a result. A call it has left in flight may have been paid.
-- KEYS: meta, open, runs, requeue, calls, unsettled.
-- ARGV: index, feed number, run token, what becomes of the item, now (unix ms), wake channel.
--   'wait': its job goes back to the lane's queue. 'requeue': the feeder brings it again. 'cancel': it is done with.
-- Returns 'done' or 'stale'.
-- include: finish.lua
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 'stale' end
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[3] then return 'stale' end
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('HDEL', KEYS[5], ARGV[1]) == 1 then redis.call('SADD', KEYS[6], ARGV[1]) end
if ARGV[4] == 'wait' then return 'done' end
redis.call('HDEL', KEYS[2], ARGV[1])
if ARGV[4] == 'requeue' then
  redis.call('LPUSH', KEYS[4], ARGV[1])
else
  finish(KEYS[1], KEYS[2], ARGV[5])
end
redis.call('PUBLISH', ARGV[6], 'changed')
return 'done'
