-- Takes items that wait in the lane's queue out of the window, a page at a time: of a paused batch to be fed again later, of a cancelled
-- batch for good. Their jobs then carry an old feed number and are dropped when a worker gets them, so BullMQ needs no change.
-- Safe to stop half-way: an item that is left in the window is handed back, or ended, when a worker takes it.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, requeue
-- ARGV: status, cursor, most, now
-- status: the batch's, for which this is done. cursor: of the last page, '0' at first. most: items of a page. now: unix ms.
-- Returns the cursor of the next page; '0' when this was the last, or the batch has another status by now.
-- include: finish.lua
if redis.call('HGET', meta, 'status') ~= status then return '0' end
local page = redis.call('HSCAN', open, cursor, 'COUNT', most)
local queued = {}
for i = 1, #page[2], 2 do
  local index = page[2][i]
  if redis.call('HEXISTS', runs, index) == 0 then queued[#queued + 1] = tonumber(index) end
end
table.sort(queued)
for i = #queued, 1, -1 do
  local index = string.format('%.0f', queued[i])
  redis.call('HDEL', open, index)
  if status == 'paused' then redis.call('LPUSH', requeue, index) end
end
if status == 'cancelling' then finish(meta, open, now) end
return page[1]
