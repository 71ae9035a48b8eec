-- Renews the lock of a job that this worker runs; also one that ended while Redis was away, unless the job was moved or taken since.
-- FLAGS: allow-oom
-- KEYS: lock, active, stalled
-- ARGV: jobId, token, ms
-- Returns 1 when this worker holds the job.
local holder = redis.call('GET', lock)
if holder and holder ~= token then return 0 end
if not holder and not redis.call('LPOS', active, jobId) then return 0 end
redis.call('SET', lock, token, 'PX', ms)
redis.call('SREM', stalled, jobId)
return 1
