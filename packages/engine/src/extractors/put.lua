-- Stores the next version of an extractor, unless the newest has the same content.
-- KEYS: versions, names
-- ARGV: name, content, createdAt
-- content: JSON of the recipe. createdAt: unix seconds.
-- Returns {version, 1 when stored now or 0, createdAt}.
local newest = redis.call('LINDEX', versions, -1)
if newest then
  local version = cjson.decode(newest)
  if version.content == content then return { redis.call('LLEN', versions), 0, tostring(version.created_at) } end
end
redis.call('RPUSH', versions, cjson.encode({ content = content, created_at = createdAt }))
redis.call('ZADD', names, 0, name)
return { redis.call('LLEN', versions), 1, createdAt }
