-- Shared by the steps in which an item's call ends. 'settled': its expected cost is no longer counted.
-- 'unsettled' (how it ended is not known): its expected cost stays counted, so that the cap on the cost holds in any case.
local function endCall(meta, calls, index, how)
  local call = redis.call('HGET', calls, index)
  if not call then return end
  redis.call('HDEL', calls, index)
  if how == 'unsettled' then return end
  local expected = call:match('|(%d+)$')
  if expected and expected ~= '0' then redis.call('HINCRBY', meta, 'expected_nano_usd', -expected) end
end
