-- A worker takes an item up. From here on its run token is the only one that may call and record.
-- A call that an earlier run has left in flight is not known to have ended.
-- With the hash of its text: the first to come is asked for all with this text. One that comes while that is not done is parked, out of the window, until
-- record.lua sends it back to the feeder; one that comes after gets its result. Where that has failed, each is asked for itself.
-- KEYS: meta, open, runs, calls, unsettled, tries, twins, parked, results. ARGV: index, feed number, run token, now (unix ms),
--       1 to keep when the item was first taken up, hash of its text ('': not compared), wake channel.
-- Returns {'twin', index of the item with the same text, its stored result}, {'parked'},
-- {'taken', tries JSON or '', when it was first taken up or '', since when the batch's items wait}, {'stale'} (recorded, or fed anew: drop the job),
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
if ARGV[6] ~= '' then
  local first = redis.call('HGET', KEYS[7], ARGV[6])
  if not first then
    redis.call('HSET', KEYS[7], ARGV[6], ARGV[1])
  elseif first ~= '-' and first ~= ARGV[1] then
    local result = redis.call('HGET', KEYS[9], first)
    if not result then
      redis.call('ZADD', KEYS[8], first, ARGV[1])
      redis.call('HDEL', KEYS[2], ARGV[1])
      redis.call('HDEL', KEYS[3], ARGV[1])
      redis.call('PUBLISH', ARGV[7], 'changed')
      return { 'parked' }
    end
    redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
    return { 'twin', first, result }
  end
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
local first = ''
if ARGV[5] == '1' then
  redis.call('HSETNX', KEYS[6], 'first:' .. ARGV[1], ARGV[4])
  first = redis.call('HGET', KEYS[6], 'first:' .. ARGV[1])
end
local since = redis.call('HGET', KEYS[1], 'waiting_since') or redis.call('HGET', KEYS[1], 'created_at')
return { 'taken', redis.call('HGET', KEYS[6], ARGV[1]) or '', first, since }
