-- Failed items go back to work with fresh attempts; a completed batch is in progress again.
-- KEYS: meta, results, failed, requeue. ARGV: wake channel, now (unix ms), index, index, ...
-- Returns how many went back, or -1 when the batch is gone, cancelled or being cancelled.
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'in_progress' and status ~= 'paused' and status ~= 'completed' then return -1 end
local count = 0
for i = 3, #ARGV do
  if redis.call('SREM', KEYS[3], ARGV[i]) == 1 then
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('RPUSH', KEYS[4], ARGV[i])
    count = count + 1
  end
end
if count > 0 then
  redis.call('HINCRBY', KEYS[1], 'failed', -count)
  redis.call('HSET', KEYS[1], 'waiting_since', ARGV[2])
  if status == 'completed' then
    redis.call('HSET', KEYS[1], 'status', 'in_progress', 'finished_at', '')
    redis.call('HINCRBY', KEYS[1], 'round', 1)
  end
  redis.call('PUBLISH', ARGV[1], 'in_progress')
end
return count
