-- Sets fields of a batch, unless the batch was removed meanwhile: nothing would ever remove a hash that is created again.
-- KEYS: meta
-- ARGV: channel, fields...
-- channel: where the change is published; '' when no reader waits for it. fields: field, value, field, value, ...
-- Returns 1, or 0 when there is no such batch.
if redis.call('EXISTS', meta) == 0 then return 0 end
redis.call('HSET', meta, unpack(fields))
if channel ~= '' then redis.call('PUBLISH', channel, 'changed') end
return 1
