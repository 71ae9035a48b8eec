-- Stores the next version of an extractor, unless the newest has the same content.
-- KEYS: versions, names. ARGV: name, content (JSON of the recipe), created_at (unix seconds).
-- Returns {version, 1 when stored now, else 0, created_at}.
local newest = redis.call('LINDEX', KEYS[1], -1)
if newest then
  local version = cjson.decode(newest)
  if version.content == ARGV[2] then return { redis.call('LLEN', KEYS[1]), 0, tostring(version.created_at) } end
end
redis.call('RPUSH', KEYS[1], cjson.encode({ content = ARGV[2], created_at = ARGV[3] }))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return { redis.call('LLEN', KEYS[1]), 1, ARGV[3] }
