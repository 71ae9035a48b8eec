-- A worker takes an item up. From here on its run token is the only one that may call and record.
-- A call that an earlier run has left in flight is not known to have ended.
-- KEYS: meta, open, runs, calls, unsettled, tries. ARGV: index, feed number, run token, now (unix ms), 1 to keep when the item was first taken up.
-- Returns {'taken', tries JSON or '', when it was first taken up or '', since when the batch's items wait}, {'stale'} (recorded, or fed anew: drop the job),
-- {'cancelled'} or {'gone'}.
-- include: finish.lua
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return { 'gone' } end
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return { 'stale' } end
if redis.call('HDEL', KEYS[4], ARGV[1]) == 1 then redis.call('SADD', KEYS[5], ARGV[1]) end
if status == 'cancelling' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
  finish(KEYS[1], KEYS[2], ARGV[4])
  return { 'cancelled' }
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
local first = ''
if ARGV[5] == '1' then
  redis.call('HSETNX', KEYS[6], 'first:' .. ARGV[1], ARGV[4])
  first = redis.call('HGET', KEYS[6], 'first:' .. ARGV[1])
end
local since = redis.call('HGET', KEYS[1], 'waiting_since') or redis.call('HGET', KEYS[1], 'created_at')
return { 'taken', redis.call('HGET', KEYS[6], ARGV[1]) or '', first, since }
