-- Removes a delivery.
-- KEYS: record, all, pending, expiring, held
-- ARGV: id
redis.call('DEL', record)
redis.call('ZREM', all, id)
redis.call('SREM', pending, id)
redis.call('SREM', held, id)
redis.call('ZREM', expiring, id)
return 1
