-- Announces a worker, and returns the workers that have not announced themselves lately. The clock is that of Redis.
-- KEYS: alive
-- ARGV: workerId, missingMs, forgetMs
-- Returns the ids of the workers without an announcement for `missingMs`. They are forgotten after `forgetMs`.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', alive, now, workerId)
redis.call('ZREMRANGEBYSCORE', alive, '-inf', now - forgetMs)
return redis.call('ZRANGEBYSCORE', alive, '-inf', now - missingMs)
