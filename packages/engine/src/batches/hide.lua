-- Hides a batch that is about to be removed: nobody sees a batch that is being staged.
-- FLAGS: allow-oom
-- KEYS: meta
-- Returns 1, or 0 when there is no such batch.
if redis.call('EXISTS', meta) == 0 then return 0 end
redis.call('HSET', meta, 'status', 'staging')
return 1
