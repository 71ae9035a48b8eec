-- Shared by the steps in which a call is known to have ended: what it was expected to cost is expected no longer.
-- A call whose end is not known stays expected, so that a cap on the cost holds whatever became of it.
local function endCall(meta, calls, index)
  local call = redis.call('HGET', calls, index)
  if not call then return end
  redis.call('HDEL', calls, index)
  local expected = call:match('|(%d+)$')
  if expected and expected ~= '0' then redis.call('HINCRBY', meta, 'expected_nano_usd', -expected) end
end
