-- Shared by record and feed: items with the same text as item `index`, which is done, go back to the feeder; at most 1,000 of them,
-- because a million would stop Redis for 1.5 s. While there are more, `index` is in `releasing`. Returns how many went back.
local function releaseParked(parked, requeue, releasing, index)
  local waiting = redis.call('ZRANGEBYSCORE', parked, index, index, 'LIMIT', 0, 1000)
  for _, twin in ipairs(waiting) do
    redis.call('RPUSH', requeue, twin)
    redis.call('ZREM', parked, twin)
  end
  if #waiting == 1000 then
    redis.call('SADD', releasing, index)
  else
    redis.call('SREM', releasing, index)
  end
  return #waiting
end
