-- What a worker does now, with the time by the clock of Redis. Removes what workers left that are dead for a minute.
-- KEYS: gauges
-- ARGV: workerId, inFlight, waitingForQuota
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', gauges)
for i = 1, #all, 2 do
  local at = tonumber(all[i + 1]:match('|(%d+)$') or 0)
  if now - at > 60000 then redis.call('HDEL', gauges, all[i]) end
end
redis.call('HSET', gauges, workerId, inFlight .. '|' .. waitingForQuota .. '|' .. string.format('%.0f', now))
