-- Shared by the steps in which calls of items end. An entry of `calls` is `<call id>|<expected cost>`.
local function idOf(entry) return entry and entry:match('^(.*)|%d+$') end
local function expectedOf(entry) return entry:match('|(%d+)$') or '0' end

-- What the calls leave behind, written once for all items of the step.
local ended = { indexes = {}, expected = 0 }

-- `entries`: index -> entry of `calls`, as it was read.
-- 'settled': the call's expected cost is no longer counted.
-- 'unsettled' (how it ended is not known): its expected cost stays counted, so that the cap on the cost holds in any case.
local function endCall(entries, index, how)
  local entry = entries[index]
  if not entry then return end
  entries[index] = false
  ended.indexes[#ended.indexes + 1] = index
  if how ~= 'unsettled' then ended.expected = ended.expected + tonumber(expectedOf(entry)) end
end

local function writeEnded(meta, calls)
  if #ended.indexes > 0 then redis.call('HDEL', calls, unpack(ended.indexes)) end
  if ended.expected > 0 then redis.call('HINCRBY', meta, 'expected_nano_usd', string.format('%.0f', -ended.expected)) end
end

-- Another run takes an item whose call, with this entry, is in flight. If the earlier run still reports that call, its cost is counted then.
local function overtakeCall(calls, overtaken, unsettled, index, entry)
  if not entry then return end
  redis.call('HDEL', calls, index)
  redis.call('SADD', unsettled, index)
  redis.call('HSET', overtaken, idOf(entry), expectedOf(entry))
end
