-- Shared by the steps that may end a batch: it ends when no item is open and none is left to feed.
-- Returns the batch's status.
local function finish(meta, open, now)
  local m = redis.call('HMGET', meta, 'status', 'total', 'succeeded', 'failed')
  if redis.call('HLEN', open) > 0 then return m[1] end
  local ended
  if m[1] == 'cancelling' then
    ended = 'cancelled'
  elseif (m[1] == 'in_progress' or m[1] == 'paused') and tonumber(m[3]) + tonumber(m[4]) == tonumber(m[2]) then
    ended = 'completed'
  end
  if not ended then return m[1] end
  redis.call('HSET', meta, 'status', ended, 'finished_at', now, 'pause_reason', '')
  return ended
end
