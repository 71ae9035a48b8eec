-- Nothing new starts; calls in flight end and are recorded. leave-window.lua then takes the queued items out of the window.
-- FLAGS: allow-oom
-- KEYS: meta, timeline
-- ARGV: reason, channel
-- channel: where the change is published.
-- Returns the status before, or 'gone'.
-- include: timeline.lua
local status = redis.call('HGET', meta, 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'in_progress' then return status end
redis.call('HSET', meta, 'status', 'paused', 'pause_reason', reason)
noteEvent(timeline, 'paused', reason)
redis.call('PUBLISH', channel, 'paused')
return status
