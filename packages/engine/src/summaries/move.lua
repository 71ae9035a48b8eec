-- Moves a summary on, if it still has the status and the level that the caller saw: a step that runs twice, or too late, changes nothing.
-- KEYS: meta
-- ARGV: status, level, channel, fields...
-- channel: where the change is published. fields: field, value, field, value, ...
-- Returns 1, or 0 when the summary has another status or level or is gone.
local m = redis.call('HMGET', meta, 'status', 'level')
if m[1] ~= status or m[2] ~= level then return 0 end
redis.call('HSET', meta, unpack(fields))
-- While it is being stored the hash expires, in case its process dies.
redis.call('PERSIST', meta)
redis.call('PUBLISH', channel, 'changed')
return 1
