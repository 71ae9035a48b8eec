-- Nothing new starts; calls in flight end and are recorded.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, requeue
-- ARGV: reason, channel
-- channel: where the change is published.
-- Returns the status before, or 'gone'.
-- include: queued.lua
local status = redis.call('HGET', meta, 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'in_progress' then return status end
redis.call('HSET', meta, 'status', 'paused', 'pause_reason', reason)
local queued = takeQueued(open, runs)
for i = #queued, 1, -1 do redis.call('LPUSH', requeue, queued[i]) end
redis.call('PUBLISH', channel, 'paused')
return status
