-- Frees an idempotency key that still holds what the caller believes; a key that another request took since stays.
-- KEYS: key. ARGV: values, any of which may be freed.
-- Returns 1 when freed.
local held = redis.call('GET', KEYS[1])
for _, value in ipairs(ARGV) do
  if held == value then return redis.call('DEL', KEYS[1]) end
end
return 0
