-- Nothing new starts; calls in flight end and are recorded.
-- KEYS: meta, open, runs, requeue. ARGV: reason, wake channel.
-- Returns the status it had, or 'gone'.
-- include: queued.lua
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'in_progress' then return status end
redis.call('HSET', KEYS[1], 'status', 'paused', 'pause_reason', ARGV[1])
local queued = takeQueued(KEYS[2], KEYS[3])
for i = #queued, 1, -1 do redis.call('LPUSH', KEYS[4], queued[i]) end
redis.call('PUBLISH', ARGV[2], 'paused')
return status
