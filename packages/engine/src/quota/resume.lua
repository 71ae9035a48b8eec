-- Forgets what is known of the provider, waits included; what the configuration counts stays.
-- KEYS: quota
for _, field in ipairs(redis.call('HKEYS', quota)) do
  if field ~= '' then redis.call('HDEL', quota, field) end
end
return 1
