-- Takes the next items into the window: those that came back first, then new ones.
-- Each gets a feed number, which makes its job id unique and distinguishes an old job from the current one.
-- KEYS: meta, open, requeue
-- ARGV: limit, most, now
-- limit: most items open at once. most: items to take now. now: unix ms.
-- Returns {status, items open now, items left to feed, index, feed number, index, feed number, ...}.
local m = redis.call('HMGET', meta, 'status', 'total', 'next', 'feeds', 'started_at')
if not m[1] then return { 'gone', 0, 0 } end
local openCount, total, nextIndex, feeds = redis.call('HLEN', open), tonumber(m[2]), tonumber(m[3]), tonumber(m[4])
local back = redis.call('LLEN', requeue)
if m[1] ~= 'in_progress' then return { m[1], openCount, total - nextIndex + back } end

local want = math.min(tonumber(limit) - openCount, tonumber(most))
local reply = { m[1], openCount, 0 }
if want > 0 then
  local taken = back > 0 and redis.call('LPOP', requeue, want) or {}
  while #taken < want and nextIndex < total do
    taken[#taken + 1] = tostring(nextIndex)
    nextIndex = nextIndex + 1
  end
  for _, index in ipairs(taken) do
    feeds = feeds + 1
    redis.call('HSET', open, index, feeds)
    reply[#reply + 1] = index
    reply[#reply + 1] = tostring(feeds)
  end
  redis.call('HSET', meta, 'next', nextIndex, 'feeds', feeds)
  if m[5] == '' and #taken > 0 then redis.call('HSET', meta, 'started_at', now) end
  reply[2] = openCount + #taken
end
reply[3] = total - nextIndex + redis.call('LLEN', requeue)
return reply
