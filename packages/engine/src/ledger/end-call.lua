-- Shared by the steps in which an item's call ends. An entry of `calls` is `<call id>|<expected cost>`.
local function idOf(entry) return entry and entry:match('^(.*)|%d+$') end
local function expectedOf(entry) return entry:match('|(%d+)$') or '0' end

-- 'settled': the call's expected cost is no longer counted.
-- 'unsettled' (how it ended is not known): its expected cost stays counted, so that the cap on the cost holds in any case.
local function endCall(meta, calls, index, how)
  local entry = redis.call('HGET', calls, index)
  if not entry then return end
  redis.call('HDEL', calls, index)
  if how == 'unsettled' then return end
  local expected = expectedOf(entry)
  if expected ~= '0' then redis.call('HINCRBY', meta, 'expected_nano_usd', -expected) end
end

-- Another run takes an item whose call is in flight. If the earlier run still reports that call, its cost is counted then.
local function overtakeCall(calls, overtaken, unsettled, index)
  local entry = redis.call('HGET', calls, index)
  if not entry then return end
  redis.call('HDEL', calls, index)
  redis.call('SADD', unsettled, index)
  redis.call('HSET', overtaken, idOf(entry), expectedOf(entry))
end
