-- Shared by the steps that record failures and take them back: how many failures are in each group, for at most 100 groups.
-- `groups`: <id> -> count, `info <id>` -> JSON, `sample <id>` -> `<index>|<JSON>`, `size` -> number of groups.
-- A failure that finds no group and no place for one is in none.
local mostGroups = 100

-- Returns whether the failure is in the group.
local function joinGroup(groups, id, info, sample)
  if redis.call('HEXISTS', groups, id) == 0 then
    if tonumber(redis.call('HGET', groups, 'size') or 0) >= mostGroups then return false end
    redis.call('HINCRBY', groups, 'size', 1)
    redis.call('HSET', groups, 'info ' .. id, info)
  end
  redis.call('HINCRBY', groups, id, 1)
  redis.call('HSET', groups, 'sample ' .. id, sample)
  return true
end

-- A group that gets empty makes room for another one.
local function leaveGroup(groups, id, index)
  if redis.call('HINCRBY', groups, id, -1) <= 0 then
    redis.call('HDEL', groups, id, 'info ' .. id, 'sample ' .. id)
    redis.call('HINCRBY', groups, 'size', -1)
    return
  end
  local sample = redis.call('HGET', groups, 'sample ' .. id)
  if sample and sample:match('^%d+') == index then redis.call('HDEL', groups, 'sample ' .. id) end
end
