-- Stores a delivery, unless it exists.
-- KEYS: record, all, pending, expiring
-- ARGV: id, value, removeAt
if redis.call('EXISTS', record) == 1 then return 0 end
redis.call('SET', record, value)
redis.call('ZADD', all, 0, id)
redis.call('SADD', pending, id)
redis.call('ZADD', expiring, removeAt, id)
return 1
