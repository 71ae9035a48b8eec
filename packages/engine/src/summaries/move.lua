-- Moves a summary on, if it still stands where the caller saw it: a step that runs twice, or too late, changes nothing.
-- KEYS: meta. ARGV: the status and the level the caller saw, wake channel, field, value, field, value, ...
-- Returns 1, or 0 where it stands elsewhere or is gone.
local m = redis.call('HMGET', KEYS[1], 'status', 'level')
if m[1] ~= ARGV[1] or m[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
-- One that is being stored goes by itself should its maker die.
redis.call('PERSIST', KEYS[1])
redis.call('PUBLISH', ARGV[3], 'changed')
return 1
