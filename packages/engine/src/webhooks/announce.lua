-- Adds a delivery, unless it was added before. Safe to run twice.
-- KEYS: deliveries, due, all, disabled
-- ARGV: id, json, now, endpoint
-- json: the delivery without its attempts. now: unix ms. endpoint: its name.
-- Returns 1, or 0 when it is there already.
if redis.call('HSETNX', deliveries, id, json) == 0 then return 0 end
redis.call('ZADD', all, now, id)
if redis.call('HEXISTS', disabled, endpoint) == 0 then redis.call('ZADD', due, now, id) end
return 1
