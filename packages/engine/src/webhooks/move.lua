-- Changes a delivery, unless it is not as the caller saw it.
-- KEYS: record, pending, held
-- ARGV: id, seen, value, status
-- FLAGS: allow-oom
if redis.call('GET', record) ~= seen then return 0 end
redis.call('SET', record, value)
redis.call(status == 'pending' and 'SADD' or 'SREM', pending, id)
redis.call(status == 'held' and 'SADD' or 'SREM', held, id)
return 1
