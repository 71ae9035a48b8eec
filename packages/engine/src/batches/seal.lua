-- A staged batch begins and becomes visible. Safe to run twice. Its size is that of its blocks, whatever the caller counted.
-- KEYS: meta, blocks
-- ARGV: now, channel, expected
-- now: unix ms, the batch's created_at. channel: where the change is published. expected: how many items it must have; '': any number.
-- Returns 'sealed', 'not-staging' (sealed before, or removed), 'empty' (it has no items) or 'incomplete' (not the expected number).
-- include: ../ledger/shards.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard')
if m[1] ~= 'staging' and m[1] ~= 'uploading' then return 'not-staging' end
-- While blocks are staged, `total` is in the range of the last shard.
local shard = shardKey(blocks, math.max(0, tonumber(m[2]) - 1), m[3])
local last = redis.call('XREVRANGE', shard, '+', '-', 'COUNT', 1)[1]
if not last then return 'empty' end
local total = string.match(last[1], '^%d+')
if expected ~= '' and expected ~= total then return 'incomplete' end
redis.call('HSET', meta, 'status', 'in_progress', 'total', total, 'created_at', now)
redis.call('PUBLISH', channel, 'in_progress')
return 'sealed'
