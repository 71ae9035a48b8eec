-- Takes deliveries whose time has come. One whose process dies comes back after the lease.
-- KEYS: due
-- ARGV: now, leaseEnd, most
-- now, leaseEnd: unix ms. leaseEnd: when the lease ends.
-- Returns the ids.
local ids = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(ids) do redis.call('ZADD', due, leaseEnd, id) end
return ids
