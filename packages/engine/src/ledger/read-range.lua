-- Results in the order of the items, from an index on: as many as fit into a page.
-- KEYS: meta, results
-- ARGV: from, most, mostBytes, holes
-- from: index of the first item. most: items to look at. mostBytes: the page ends with the result that exceeds it.
-- holes: items without a result: 'skip'; 'stop' (the page ends before the first; in a cancelled batch none will come, so they are skipped);
-- or 'only' (only they matter: 'yes' replaces each result).
-- Returns {status ('' when the batch is gone), items in the batch, items looked at, result or '', ...}.
-- include: shards.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard')
local total = tonumber(m[2] or 0)
local reply = { m[1] or '', total, 0 }
local first, bytes, seen = tonumber(from), 0, 0
local stops = holes == 'stop' and m[1] ~= 'cancelled'
for index = first, math.min(first + most, total) - 1 do
  local field = string.format('%.0f', index)
  local shard = shardKey(results, index, m[3])
  local text
  if holes == 'only' then
    text = redis.call('HEXISTS', shard, field) == 1 and 'yes' or ''
  else
    text = redis.call('HGET', shard, field) or ''
  end
  if text == '' and stops then break end
  reply[#reply + 1] = text
  seen, bytes = seen + 1, bytes + #text
  if bytes >= tonumber(mostBytes) then break end
end
reply[3] = seen
return reply
