-- Takes the next items into the window: those that came back first, then new ones.
-- Each gets a feed number, which makes its job id unique and distinguishes an old job from the current one.
-- Items whose text another item has answered come back here, a part at a time (release-parked.lua).
-- FLAGS: none
-- KEYS: meta, open, requeue, parked, chains, releasing
-- ARGV: places, most, now
-- places: items to take now. most: items of the batch that may be open; its own concurrency may be less. now: unix ms.
-- Returns {status, items open now, items left to feed, 1 when no more may be open, weight, label, index, feed number, index, ...}.
-- include: shards.lua
-- include: release-parked.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'next', 'feeds', 'started_at', 'concurrency', 'priority', 'label', 'items_per_shard')
if not m[1] then return { 'gone', 0, 0, 0, '1', '' } end
local openCount, total, nextIndex, feeds = redis.call('HLEN', open), tonumber(m[2]), tonumber(m[3]), tonumber(m[4])
if m[1] == 'in_progress' then
  local first = redis.call('SRANDMEMBER', releasing)
  if first then releaseParked(parked, chains, requeue, releasing, first, m[9], mostReleased) end
end
-- One more while items are still to come back, so that the batch has its next turn.
local parkedLeft = redis.call('SCARD', releasing)
local back = redis.call('LLEN', requeue)
local reply = { m[1], openCount, total - nextIndex + back + parkedLeft, 0, m[7] or '1', m[8] or '' }
if m[1] ~= 'in_progress' then return reply end

local limit = math.min(tonumber(most), tonumber(m[6]) or math.huge)
local want = math.min(tonumber(places), limit - openCount)
if want > 0 then
  local taken = back > 0 and redis.call('LPOP', requeue, want) or {}
  while #taken < want and nextIndex < total do
    taken[#taken + 1] = tostring(nextIndex)
    nextIndex = nextIndex + 1
  end
  local opened = {}
  for _, index in ipairs(taken) do
    feeds = feeds + 1
    opened[#opened + 1] = index
    opened[#opened + 1] = tostring(feeds)
    -- In steps, because unpack() fails on a few thousand values.
    if #opened == 1000 then
      redis.call('HSET', open, unpack(opened))
      opened = {}
    end
    reply[#reply + 1] = index
    reply[#reply + 1] = tostring(feeds)
  end
  if #opened > 0 then redis.call('HSET', open, unpack(opened)) end
  redis.call('HSET', meta, 'next', nextIndex, 'feeds', feeds)
  if m[5] == '' and #taken > 0 then redis.call('HSET', meta, 'started_at', now) end
  openCount = openCount + #taken
end
reply[2] = openCount
reply[3] = total - nextIndex + redis.call('LLEN', requeue) + parkedLeft
reply[4] = openCount >= limit and 1 or 0
return reply
