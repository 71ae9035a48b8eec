-- A staged batch begins: from here on everybody sees it. Safe to run twice. Its size is that of its blocks, whatever the caller counted.
-- KEYS: meta, blocks
-- ARGV: now, channel
-- now: unix ms, the batch's created_at. channel: where the change is published.
-- Returns 'sealed', 'not-staging' (sealed before, or removed) or 'empty' (it has no items).
local status = redis.call('HGET', meta, 'status')
if status ~= 'staging' and status ~= 'uploading' then return 'not-staging' end
local last = redis.call('XREVRANGE', blocks, '+', '-', 'COUNT', 1)[1]
if not last then return 'empty' end
redis.call('HSET', meta, 'status', 'in_progress', 'total', string.match(last[1], '^%d+'), 'created_at', now)
redis.call('PUBLISH', channel, 'in_progress')
return 'sealed'
