-- Takes the next items into the window: those that came back first, then new ones.
-- Each gets a feed number, which makes its job id unique and tells an old job from the current one.
-- KEYS: meta, open, requeue. ARGV: limit (most items open at once), most (items to take now), now (unix ms).
-- Returns {status, items open now, items left to feed, index, feed number, index, feed number, ...}.
local m = redis.call('HMGET', KEYS[1], 'status', 'total', 'next', 'feeds', 'started_at')
if not m[1] then return { 'gone', 0, 0 } end
local open, total, next_, feeds = redis.call('HLEN', KEYS[2]), tonumber(m[2]), tonumber(m[3]), tonumber(m[4])
local back = redis.call('LLEN', KEYS[3])
if m[1] ~= 'in_progress' then return { m[1], open, total - next_ + back } end

local want = math.min(tonumber(ARGV[1]) - open, tonumber(ARGV[2]))
local reply = { m[1], open, 0 }
if want > 0 then
  local taken = back > 0 and redis.call('LPOP', KEYS[3], want) or {}
  while #taken < want and next_ < total do
    taken[#taken + 1] = tostring(next_)
    next_ = next_ + 1
  end
  for _, index in ipairs(taken) do
    feeds = feeds + 1
    redis.call('HSET', KEYS[2], index, feeds)
    reply[#reply + 1] = index
    reply[#reply + 1] = tostring(feeds)
  end
  redis.call('HSET', KEYS[1], 'next', next_, 'feeds', feeds)
  if m[5] == '' and #taken > 0 then redis.call('HSET', KEYS[1], 'started_at', ARGV[3]) end
  reply[2] = open + #taken
end
reply[3] = total - next_ + redis.call('LLEN', KEYS[3])
return reply
