-- What the workers of a lane that are alive do, in sum.
-- KEYS: gauges
-- ARGV: liveMs
-- liveMs: a worker that has not written for longer is dead.
-- Returns {calls in flight, calls waiting for quota}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local inFlight, waiting = 0, 0
for _, value in ipairs(redis.call('HVALS', gauges)) do
  local a, b, at = value:match('^(%d+)|(%d+)|(%d+)$')
  if a and now - at <= tonumber(liveMs) then
    inFlight, waiting = inFlight + a, waiting + b
  end
end
return { inFlight, waiting }
