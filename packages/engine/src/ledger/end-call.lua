-- Shared by the steps in which an item's call ends. 'settled': what it was expected to cost is expected no longer.
-- 'unsettled', its end is not known: it stays expected, so that a cap on the cost holds whatever became of it.
local function endCall(meta, calls, index, how)
  local call = redis.call('HGET', calls, index)
  if not call then return end
  redis.call('HDEL', calls, index)
  if how == 'unsettled' then return end
  local expected = call:match('|(%d+)$')
  if expected and expected ~= '0' then redis.call('HINCRBY', meta, 'expected_nano_usd', -expected) end
end
