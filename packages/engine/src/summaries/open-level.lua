-- Creates the empty batch of a level, unless it exists. Its blocks follow by append-block.lua, which stages each one once.
-- KEYS: meta
-- ARGV: fields...
-- fields: field, value, field, value, ...
-- Returns 1 when created now, 0 when it existed.
if redis.call('EXISTS', meta) == 1 then return 0 end
redis.call('HSET', meta, unpack(fields))
return 1
