-- Notes how far a batch is. When there are enough samples, every second one goes and the next ones come half as often, so that their
-- number and memory do not grow with the time that the batch takes.
-- FLAGS: allow-oom
-- KEYS: meta, samples
-- ARGV: now, firstEveryMs, most, limitPerS
-- now: unix ms. firstEveryMs: between the first samples. most: samples that are kept. limitPerS: items per second that the lane allows, '' when not known.
-- Returns after how many ms the next one is due.
local m = redis.call('HMGET', meta, 'status', 'succeeded', 'failed', 'cost_nano_usd', 'sample_ms', 'sampled_at')
if not m[1] then return tonumber(firstEveryMs) end
local every, since = tonumber(m[5]) or tonumber(firstEveryMs), now - (tonumber(m[6]) or 0)
local hasEnded = m[1] == 'completed' or m[1] == 'cancelled'
if since < every and not hasEnded then return every - since end
local state = (m[2] or '0') .. '|' .. (m[3] or '0') .. '|' .. (m[4] or '0')
local last = redis.call('LINDEX', samples, -1) or ''
-- The end is reported more than once.
if hasEnded and last:match('^%d+|(%d+|%d+|%d+)|') == state then return every end
redis.call('RPUSH', samples, now .. '|' .. state .. '|' .. limitPerS)
redis.call('HSET', meta, 'sampled_at', now)
if redis.call('LLEN', samples) < tonumber(most) then return every end
local kept = {}
for i, one in ipairs(redis.call('LRANGE', samples, 0, -1)) do
  if i % 2 == 1 or i == tonumber(most) then kept[#kept + 1] = one end
end
redis.call('DEL', samples)
redis.call('RPUSH', samples, unpack(kept))
redis.call('HSET', meta, 'sample_ms', every * 2)
return every * 2
