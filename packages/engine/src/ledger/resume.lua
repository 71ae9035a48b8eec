-- KEYS: meta. ARGV: wake channel.
-- Returns the status it had, or 'gone'.
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'staging' then return 'gone' end
if status ~= 'paused' then return status end
redis.call('HSET', KEYS[1], 'status', 'in_progress', 'pause_reason', '')
redis.call('PUBLISH', ARGV[1], 'in_progress')
return status
