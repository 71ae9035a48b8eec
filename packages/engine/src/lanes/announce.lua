-- A worker counts as alive for a time from now on, by the clock of Redis: those of the workers may differ by seconds. Those that are dead
-- for a minute are removed.
-- KEYS: workers
-- ARGV: member, liveMs
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', workers, string.format('%.0f', now + liveMs), member)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', string.format('%.0f', now - 60000))
