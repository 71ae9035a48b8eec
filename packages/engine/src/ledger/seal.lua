-- A staged batch begins: from here on it exists for everybody. Safe to run twice.
-- KEYS: meta. ARGV: total, created_at (unix ms).
-- Returns 1 when sealed now, 0 when it was before.
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'staging' and status ~= 'uploading' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'in_progress', 'total', ARGV[1], 'created_at', ARGV[2])
return 1
