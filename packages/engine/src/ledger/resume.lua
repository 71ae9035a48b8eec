-- A paused batch is in progress again.
-- KEYS: meta, timeline
-- ARGV: channel
-- channel: where the change is published.
-- Returns the status before, or 'gone'.
-- include: timeline.lua
local status = redis.call('HGET', meta, 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'paused' then return status end
redis.call('HSET', meta, 'status', 'in_progress', 'pause_reason', '')
noteEvent(timeline, 'resumed', '')
redis.call('PUBLISH', channel, 'in_progress')
return status
