-- Results in the order of completion, from a position on: as many as fit into a page.
-- KEYS: meta, done, results
-- ARGV: from, most, mostBytes
-- from: position of the first one. most: positions to look at. mostBytes: the page ends with the result that exceeds it.
-- Returns {status ('' when the batch is gone), items in the batch, positions looked at, index, result or '', ...}.
-- A result is '' where its item was retried: it is in the list again, at a later position.
-- A page ends with its shard.
-- include: shards.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard')
local perShard = m[3]
local reply = { m[1] or '', tonumber(m[2] or 0), 0 }
local first, bytes, seen = tonumber(from), 0, 0
local start = perShard and first % tonumber(perShard) or first
for i, index in ipairs(redis.call('LRANGE', shardKey(done, first, perShard), start, start + most - 1)) do
  local text = redis.call('HGET', shardKey(results, index, perShard), index) or ''
  if text:match('^(%d+)|') ~= string.format('%.0f', first + i - 1) then text = '' end
  reply[#reply + 1] = index
  reply[#reply + 1] = text
  seen, bytes = i, bytes + #text
  if bytes >= tonumber(mostBytes) then break end
end
reply[3] = seen
return reply
