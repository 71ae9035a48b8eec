-- A cancelled batch whose lane has no worker any more: nobody will abort its items, so they end here.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, calls, overtaken, unsettled
-- ARGV: now, channel
-- now: unix ms. channel: where the change is published.
-- Returns the batch's status, or 'gone'.
-- include: end-call.lua
-- include: finish.lua
local status = redis.call('HGET', meta, 'status')
if status ~= 'cancelling' then return status or 'gone' end
for _, index in ipairs(redis.call('HKEYS', calls)) do overtakeCall(calls, overtaken, unsettled, index) end
redis.call('DEL', open, runs)
local ended = finish(meta, open, now)
redis.call('PUBLISH', channel, ended)
return ended
