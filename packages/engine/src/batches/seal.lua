-- A staged batch begins: from here on everybody sees it. Safe to run twice. Its size is that of its blocks, whatever the caller counted.
-- KEYS: meta, blocks
-- ARGV: now, expected
-- now: unix ms, the batch's created_at. expected: how many items it must have; '': any number.
-- Returns 'sealed', 'not-staging' (sealed before, or removed), 'empty' (it has no items) or 'incomplete' (not the expected number).
local status = redis.call('HGET', meta, 'status')
if status ~= 'staging' and status ~= 'uploading' then return 'not-staging' end
local last = redis.call('XREVRANGE', blocks, '+', '-', 'COUNT', 1)[1]
if not last then return 'empty' end
local total = string.match(last[1], '^%d+')
if expected ~= '' and expected ~= total then return 'incomplete' end
redis.call('HSET', meta, 'status', 'in_progress', 'total', total, 'created_at', now)
return 'sealed'
