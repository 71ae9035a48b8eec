-- A worker takes items. From here on only these runs' tokens may make calls for the items and record their results.
-- How a call ended that an earlier run left in flight is not known.
-- With the hash of its text: the first item to come makes the call for all items with this text. An item that comes while that one is
-- not done is parked, outside the window, until record.lua sends it back to the feeder; an item that comes later gets its result.
-- If the first one failed, each of the others makes its own call.
-- FLAGS: none
-- KEYS: meta, open, runs, calls, overtaken, unsettled, tries, twins, chains, results, timeline
-- ARGV: now, channel, entries...
-- now: unix ms. channel: where the change is published. entries: for each item index, feed, token, textHash, keepsTime.
-- textHash: '' when texts are not compared. keepsTime: 1 to store when the item was first taken.
-- A token of an earlier run that is still there: that run neither ended nor let go, so its process probably died. This is counted.
-- Returns for each item {'twin', index of the item with the same text, its stored result}, {'parked'},
-- {'taken', tries JSON or '', when it was first taken or '', since when the batch's items wait, runs that were lost},
-- {'stale'} (recorded, or fed again: the job is dropped), {'cancelled'} or {'gone'}.
-- include: fields.lua
-- include: finish.lua
-- include: end-call.lua
-- include: publish.lua
-- include: shards.lua
-- include: release-parked.lua
-- include: timeline.lua
local m = redis.call('HMGET', meta, 'status', 'total', 'items_per_shard', 'waiting_since', 'created_at')
local status, perShard, since = m[1], m[3], m[4] or m[5]
local indexes = indexesOf(entries, 5)
local feeds, tokens, inFlight = readFields(open, indexes), readFields(runs, indexes), readFields(calls, indexes)
local stored = readFields(tries, alsoPrefixed('lost:', indexes))
local taken = {}

local function hold(index, token)
  tokens[index] = token
  taken[#taken + 1] = index
  taken[#taken + 1] = token
end

-- Its run ends here: another one will take it, or none.
local function leave(index)
  feeds[index], tokens[index] = false, false
  redis.call('HDEL', open, index)
  redis.call('HDEL', runs, index)
end

-- The index of another item with the same text, and its result, if it is done; nil if this item makes the call.
local function twinOf(index, textHash)
  local hashes = hashShardKey(twins, textHash, m[2], perShard)
  local first = redis.call('HGET', hashes, textHash)
  if not first then redis.call('HSET', hashes, textHash, index) end
  if not first or first == '-' or first == index then return nil end
  return first, redis.call('HGET', shardKey(results, first, perShard), first)
end

local function take(index, feed, token, textHash, keepsTime)
  if not status then return { 'gone' } end
  if feeds[index] ~= feed then return { 'stale' } end
  overtakeCall(calls, overtaken, unsettled, index, inFlight[index])
  inFlight[index] = false
  if status == 'cancelling' then
    leave(index)
    status = finish(meta, open, now)
    return { 'cancelled' }
  end
  if textHash ~= '' then
    local first, result = twinOf(index, textHash)
    if result then
      hold(index, token)
      return { 'twin', first, result }
    end
    if first then
      park(chains, first, index, perShard)
      leave(index)
      publishProgress(meta, channel, 'changed')
      return { 'parked' }
    end
  end
  local lost = stored['lost:' .. index] or '0'
  if tokens[index] and tokens[index] ~= token then
    lost = tostring(redis.call('HINCRBY', tries, 'lost:' .. index, 1))
    noteEventOnce(timeline, 'worker_lost', '')
  end
  hold(index, token)
  local firstTakenAt = ''
  if keepsTime == '1' then
    redis.call('HSETNX', tries, 'first:' .. index, now)
    firstTakenAt = redis.call('HGET', tries, 'first:' .. index)
  end
  return { 'taken', stored[index] or '', firstTakenAt, since, lost }
end

local replies = {}
for at = 1, #entries, 5 do
  replies[#replies + 1] = take(entries[at], entries[at + 1], entries[at + 2], entries[at + 3], entries[at + 4])
end
if #taken > 0 then redis.call('HSET', runs, unpack(taken)) end
return replies
