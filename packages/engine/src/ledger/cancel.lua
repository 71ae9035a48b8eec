-- What has not started never will; workers abort the calls in flight, and the batch ends with the last of them.
-- KEYS: meta, open, runs, requeue. ARGV: now (unix ms), wake channel.
-- Returns the status it had, or 'gone'.
-- include: queued.lua
-- include: finish.lua
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'in_progress' and status ~= 'paused' then return status end
redis.call('HSET', KEYS[1], 'status', 'cancelling', 'pause_reason', '')
takeQueued(KEYS[2], KEYS[3])
redis.call('DEL', KEYS[4])
finish(KEYS[1], KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[2], 'cancelling')
return status
