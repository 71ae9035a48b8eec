-- Records the one final result of an item: set if absent, counted, put in the order of completion. Safe to run twice.
-- Items with the same text that wait for this one go back to the feeder.
-- KEYS: meta, open, runs, calls, unsettled, tries, results, done, failed, twins, parked, requeue.
-- ARGV: index, feed number, run token, status ('succeeded' or 'failed'), how its last call ended ('settled' or 'unsettled'), result JSON,
--       paid calls, input tokens, cached input tokens, output tokens, cost in nano-dollars, now (unix ms), wake channel,
--       hash of the item's text ('': not compared), field of meta that counts answers without a call ('': it was called).
-- Returns {'recorded', status of the batch}, or {'stale'}: another run holds or has recorded the item; what was paid is added all the same.
-- include: usage.lua
-- include: end-call.lua
-- include: finish.lua
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'stale' } end
addUsage(KEYS[1], ARGV, 7)
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return { 'stale' } end
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[3] then return { 'stale' } end
local position = redis.call('RPUSH', KEYS[8], ARGV[1]) - 1
redis.call('HSET', KEYS[7], ARGV[1], position .. '|' .. ARGV[6])
redis.call('HINCRBY', KEYS[1], ARGV[4], 1)
if ARGV[4] == 'failed' then redis.call('SADD', KEYS[9], ARGV[1]) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
endCall(KEYS[1], KEYS[4], ARGV[1], ARGV[5])
redis.call('SREM', KEYS[5], ARGV[1])
redis.call('HDEL', KEYS[6], ARGV[1], 'first:' .. ARGV[1])
if ARGV[15] ~= '' then redis.call('HINCRBY', KEYS[1], ARGV[15], 1) end
if ARGV[14] ~= '' then
  if ARGV[4] == 'succeeded' then
    redis.call('HSET', KEYS[10], ARGV[14], ARGV[1])
  elseif redis.call('HGET', KEYS[10], ARGV[14]) == ARGV[1] then
    redis.call('HSET', KEYS[10], ARGV[14], '-')
  end
  for _, twin in ipairs(redis.call('ZRANGEBYSCORE', KEYS[11], ARGV[1], ARGV[1])) do redis.call('RPUSH', KEYS[12], twin) end
  redis.call('ZREMRANGEBYSCORE', KEYS[11], ARGV[1], ARGV[1])
end
local status = finish(KEYS[1], KEYS[2], ARGV[12])
redis.call('PUBLISH', ARGV[13], status)
return { 'recorded', status }
