-- Notes how an attempt ended.
-- KEYS: deliveries, due, failing, disabled
-- ARGV: id, json, nextAt, endpoint, delivered, now, patience, reason
-- json: the delivery with its attempts. nextAt: unix ms of the next attempt; '': none. delivered: 1 or 0.
-- patience: for how many ms an endpoint may fail before it is disabled; reason: why it is then.
-- Returns 1 if the endpoint was disabled by this, otherwise 0.
if redis.call('HEXISTS', deliveries, id) == 0 then
  redis.call('ZREM', due, id)
  return 0
end
redis.call('HSET', deliveries, id, json)
if nextAt == '' then redis.call('ZREM', due, id) else redis.call('ZADD', due, nextAt, id) end
if delivered == '1' then
  redis.call('HDEL', failing, endpoint)
  return 0
end
redis.call('HSETNX', failing, endpoint, now)
if now - redis.call('HGET', failing, endpoint) < tonumber(patience) then return 0 end
return redis.call('HSETNX', disabled, endpoint, reason)
