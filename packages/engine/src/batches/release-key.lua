-- Frees an idempotency key that still holds what the caller believes; a key that another request took since stays.
-- KEYS: claim
-- ARGV: values...
-- values: any of which may be freed.
-- Returns 1 when freed.
local held = redis.call('GET', claim)
for _, value in ipairs(values) do
  if held == value then return redis.call('DEL', claim) end
end
return 0
