-- Stages one block behind the last. Two uploads at once, or one that is repeated, can neither overlap nor leave a gap.
-- KEYS: meta, blocks. ARGV: index of its first item, index behind its last, the block.
-- Returns 'staged', 'elsewhere' (the batch does not end at this index) or 'closed' (nothing may be added any more).
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'uploading' then return 'closed' end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local staged = last[1] and last[1][1]:match('^(%d+)') or '0'
if staged ~= ARGV[1] then return 'elsewhere' end
redis.call('XADD', KEYS[2], ARGV[2] .. '-0', 'z', ARGV[3])
redis.call('HSET', KEYS[1], 'total', ARGV[2])
return 'staged'
