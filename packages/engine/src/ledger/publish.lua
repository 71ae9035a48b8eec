-- Shared by the steps that run for each item: readers get at most one message about a batch's progress in 20 ms, however many items end.
-- After a message a reader reads once more 20 ms later (redis/changes.ts), so it misses no progress.
local function publishProgress(meta, channel, message)
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local since = now - (tonumber(redis.call('HGET', meta, 'published_at')) or 0)
  if since >= 0 and since < 20 then return end
  redis.call('HSET', meta, 'published_at', string.format('%.0f', now))
  redis.call('PUBLISH', channel, message)
end
