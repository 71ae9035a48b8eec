-- Items that have not started never will; workers abort the calls in flight, and the batch ends with the last of them.
-- leave-window.lua then takes the queued items out of the window.
-- FLAGS: allow-oom
-- KEYS: meta, open, requeue, parked, releasing, timeline
-- ARGV: now, channel
-- now: unix ms. channel: where the change is published.
-- Returns the status before, or 'gone'.
-- include: finish.lua
-- include: timeline.lua
local status = redis.call('HGET', meta, 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'in_progress' and status ~= 'paused' then return status end
redis.call('HSET', meta, 'status', 'cancelling', 'pause_reason', '')
-- A million entries are freed by another thread of Redis.
redis.call('UNLINK', requeue, parked, releasing)
finish(meta, open, now)
noteEvent(timeline, 'cancelling', '')
redis.call('PUBLISH', channel, 'cancelling')
return status
