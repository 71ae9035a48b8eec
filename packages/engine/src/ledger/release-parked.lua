-- Shared by the steps that park items and let them go. Items with the same text as item `first` form a chain: `last:<first>` is the item
-- that was parked last, and each item's entry is the one parked before it, '' for the first. So no key holds all of them.
local function park(chains, first, index, perShard)
  local heads, head = shardKey(chains, first, perShard), 'last:' .. first
  local before = redis.call('HGET', heads, head) or ''
  if redis.call('HSETNX', shardKey(chains, index, perShard), index, before) == 1 then
    redis.call('HSET', heads, head, index)
  end
end

-- Item `first` is done: the items of its chain go back to the feeder; at most `most` of them, because a million would stop Redis for
-- 1.5 s. While there are more, `first` is in `releasing`. Returns how many went back.
local mostReleased = 1000
local function releaseParked(parked, chains, requeue, releasing, first, perShard, most)
  local count, isMore = 0, false
  if not perShard then
    -- Items that an earlier version parked.
    for _, twin in ipairs(redis.call('ZRANGEBYSCORE', parked, first, first, 'LIMIT', 0, most)) do
      redis.call('RPUSH', requeue, twin)
      redis.call('ZREM', parked, twin)
      count = count + 1
    end
    isMore = count == most
  end
  local heads, head = shardKey(chains, first, perShard), 'last:' .. first
  local last = redis.call('HGET', heads, head)
  local index = last
  while index and count < most do
    local entries = shardKey(chains, index, perShard)
    local before = redis.call('HGET', entries, index)
    redis.call('HDEL', entries, index)
    redis.call('RPUSH', requeue, index)
    count = count + 1
    index = before ~= '' and before or nil
  end
  if index and index ~= last then redis.call('HSET', heads, head, index) end
  if last and not index then redis.call('HDEL', heads, head) end
  redis.call((index or isMore) and 'SADD' or 'SREM', releasing, first)
  return count
end
