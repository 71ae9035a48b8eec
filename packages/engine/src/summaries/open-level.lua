-- Makes the batch of a level, empty, unless it is there. Its blocks follow by append-block.lua, which stages each one once.
-- KEYS: meta. ARGV: field, value, field, value, ...
-- Returns 1 when made now, 0 when it was there.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
