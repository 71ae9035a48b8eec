-- Notes how many bytes a file takes in Redis, unless all files together would take too many. Safe to run twice.
-- KEYS: sizes, total, arriving
-- ARGV: id, bytes, most, now
-- bytes: what it takes now; 0: it was removed. most: of all files together. now: unix ms; '': it is not being sent.
-- Returns {1, bytes of all files}, or {0, bytes of all files} when the limit would be passed.
local before = tonumber(redis.call('HGET', sizes, id) or '0')
local all = tonumber(redis.call('GET', total) or '0')
local more = tonumber(bytes) - before
if more > 0 and all + more > tonumber(most) then return { 0, all } end
if bytes == '0' then
  redis.call('HDEL', sizes, id)
else
  redis.call('HSET', sizes, id, bytes)
end
if now == '' then
  redis.call('ZREM', arriving, id)
else
  redis.call('ZADD', arriving, now, id)
end
return { 1, redis.call('INCRBY', total, more) }
