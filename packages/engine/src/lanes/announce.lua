-- A worker counts as alive for a time from now on, by the clock of Redis: those of the workers may differ by seconds.
-- KEYS: workers
-- ARGV: member, liveMs
local t = redis.call('TIME')
redis.call('ZADD', workers, string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + liveMs), member)
