-- A batch has items for its lane's window. It joins at the lane's clock, so that it gets its turn neither before nor after its due.
-- KEYS: ready, capped, clock
-- ARGV: batchId, channel
-- Returns 1 when it was not ready before.
redis.call('ZREM', capped, batchId)
local added = redis.call('ZADD', ready, 'NX', redis.call('GET', clock) or '0', batchId)
if added == 1 then redis.call('PUBLISH', channel, 'ready') end
return added
