-- Items that have not started never will; workers abort the calls in flight, and the batch ends with the last of them.
-- leave-window.lua then takes the queued items out of the window.
-- FLAGS: allow-oom
-- KEYS: meta, open, requeue, parked, chains, releasing, timeline
-- ARGV: now, channel
-- now: unix ms. channel: where the change is published.
-- Returns the status before, or 'gone'.
-- include: finish.lua
-- include: shards.lua
-- include: timeline.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard')
local status, total, perShard = m[1], tonumber(m[2]) or 0, m[3]
if not status or status == 'staging' then return 'gone' end
if status ~= 'in_progress' and status ~= 'paused' then return status end
redis.call('HSET', meta, 'status', 'cancelling', 'pause_reason', '')
-- A million entries are freed by another thread of Redis.
redis.call('UNLINK', requeue, parked, chains, releasing)
local per = tonumber(perShard) or total
for first = per, total - 1, math.max(1, per) do redis.call('UNLINK', shardKey(chains, first, perShard)) end
finish(meta, open, now)
noteEvent(timeline, 'cancelling', '')
redis.call('PUBLISH', channel, 'cancelling')
return status
