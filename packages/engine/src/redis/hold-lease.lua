-- Takes or renews a lease.
-- KEYS: lease
-- ARGV: holder, ms
-- Returns 1 when the holder has it now, 0 while another one does.
local current = redis.call('GET', lease)
if current and current ~= holder then return 0 end
redis.call('SET', lease, holder, 'PX', ms)
return 1
