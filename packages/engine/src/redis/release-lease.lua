-- Gives a lease back, so that the next holder need not wait for its end.
-- KEYS: lease
-- ARGV: holder
-- Returns 1 when the holder had it.
if redis.call('GET', lease) ~= holder then return 0 end
redis.call('DEL', lease)
return 1
