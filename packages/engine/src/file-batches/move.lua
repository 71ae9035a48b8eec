-- Moves a batch over a file on, if it still has the status that the caller saw: a step that runs twice, or too late, changes nothing.
-- KEYS: record
-- ARGV: seen, channel, fields...
-- channel: where the change is published. fields: field, value, field, value, ...
-- Returns 1, or 0 when the batch has another status or is gone.
if redis.call('HGET', record, 'status') ~= seen then return 0 end
redis.call('HSET', record, unpack(fields))
redis.call('PUBLISH', channel, 'changed')
return 1
