-- Stages one block after the last one. Two uploads at once, or one that is repeated, can neither overlap nor leave a gap.
-- A block lies within one shard.
-- KEYS: meta, blocks
-- ARGV: start, after, block
-- start: index of the block's first item. after: index after its last item.
-- Returns 'staged', 'elsewhere' (the batch does not end at this index) or 'closed' (the batch takes no more items).
-- include: ../ledger/shards.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard')
if m[1] ~= 'uploading' then return 'closed' end
if m[2] ~= start then return 'elsewhere' end
redis.call('XADD', shardKey(blocks, start, m[3]), after .. '-0', 'z', block)
redis.call('HSET', meta, 'total', after)
return 'staged'
