-- Shared by the steps that touch keys with an entry for each item: such a key has one part for each range of items, its shard.
-- `perShard`: the batch's field items_per_shard; missing in batches that an earlier version began, which have one part.
-- As shardKey in redis/keys.ts.
local function shardKey(key, index, perShard)
  local per, i = tonumber(perShard) or 0, tonumber(index)
  if per == 0 or i < per then return key end
  return key .. ':' .. string.format('%.0f', math.floor(i / per))
end

-- Of a key whose entries have no index: by the first bytes of a hash, into as many shards as the batch's items fill.
local function hashShardKey(key, hash, total, perShard)
  local per = tonumber(perShard) or 0
  if per == 0 then return key end
  local a, b, c, d = hash:byte(1, 4)
  local shards = math.max(1, math.ceil(tonumber(total) / per))
  return shardKey(key, ((((a or 0) * 64 + (b or 0)) * 64 + (c or 0)) * 64 + (d or 0)) % shards * per, perShard)
end
