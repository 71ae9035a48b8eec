-- A staged batch begins: from here on it exists for everybody. Safe to run twice. Its size is that of its blocks, whatever the caller knew.
-- KEYS: meta, blocks. ARGV: created_at (unix ms).
-- Returns 1 when sealed now, 0 when it was before or is gone, -1 when it has no items.
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'staging' and status ~= 'uploading' then return 0 end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if not last then return -1 end
redis.call('HSET', KEYS[1], 'status', 'in_progress', 'total', string.match(last[1], '^%d+'), 'created_at', ARGV[1])
return 1
