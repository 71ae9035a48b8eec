-- The workers of a lane that are alive now, by the clock of Redis. Those that are dead for a minute are removed.
-- KEYS: workers
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', string.format('%.0f', now - 60000))
return redis.call('ZRANGEBYSCORE', workers, string.format('%.0f', now), '+inf')
