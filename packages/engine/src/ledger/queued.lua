-- Shared by pause and cancel: takes the items that wait in the lane's queue out of the window.
-- Their jobs then carry an old feed number and are dropped when a worker gets them, so BullMQ needs no change.
-- Returns their indexes in order.
local function takeQueued(open, runs)
  local queued = {}
  for _, index in ipairs(redis.call('HKEYS', open)) do
    if redis.call('HEXISTS', runs, index) == 0 then queued[#queued + 1] = tonumber(index) end
  end
  table.sort(queued)
  for _, index in ipairs(queued) do redis.call('HDEL', open, index) end
  return queued
end
