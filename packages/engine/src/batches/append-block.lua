-- Stages one block after the last one. Two uploads at once, or one that is repeated, can neither overlap nor leave a gap.
-- KEYS: meta, blocks
-- ARGV: start, after, block
-- start: index of the block's first item. after: index after its last item.
-- Returns 'staged', 'elsewhere' (the batch does not end at this index) or 'closed' (the batch takes no more items).
local status = redis.call('HGET', meta, 'status')
if status ~= 'uploading' then return 'closed' end
local last = redis.call('XREVRANGE', blocks, '+', '-', 'COUNT', 1)
local staged = last[1] and last[1][1]:match('^(%d+)') or '0'
if staged ~= start then return 'elsewhere' end
redis.call('XADD', blocks, after .. '-0', 'z', block)
redis.call('HSET', meta, 'total', after)
return 'staged'
