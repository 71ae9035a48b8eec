-- The workers of a lane that are alive now, by the clock of Redis. Writes nothing: a Redis that refuses writes answers, too.
-- KEYS: workers
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return redis.call('ZRANGEBYSCORE', workers, string.format('%.0f', now), '+inf')
