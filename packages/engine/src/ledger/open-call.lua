-- The last word before money is spent: the call may go only while this run still holds the item.
-- Where an earlier call is not known to have ended, this one repeats it.
-- KEYS: meta, open, runs, calls, unsettled. ARGV: index, feed number, run token.
-- Returns 'opened', 'stale', 'paused' or 'cancelled'.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 'stale' end
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[3] then return 'stale' end
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'paused' then return 'paused' end
if status ~= 'in_progress' then return 'cancelled' end
if redis.call('SREM', KEYS[5], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'repeated_calls', 1)
end
redis.call('HSET', KEYS[4], ARGV[1], ARGV[3])
return 'opened'
