-- A cancelled batch whose lane has no worker any more: nothing else will abort its items, so they end here, a page of calls at a time.
-- FLAGS: allow-oom
-- KEYS: meta, open, runs, calls, overtaken, unsettled
-- ARGV: cursor, most, now, channel
-- cursor: of the last page, '0' at first. most: calls of a page. now: unix ms. channel: where the change is published.
-- Returns {the batch's status or 'gone', cursor of the next page}; the last page's is '0'.
-- include: end-call.lua
-- include: finish.lua
local status = redis.call('HGET', meta, 'status')
if status ~= 'cancelling' then return { status or 'gone', '0' } end
local page = redis.call('HSCAN', calls, cursor, 'COUNT', most)
for i = 1, #page[2], 2 do overtakeCall(calls, overtaken, unsettled, page[2][i], page[2][i + 1]) end
if page[1] ~= '0' then return { status, page[1] } end
redis.call('UNLINK', open, runs)
local ended = finish(meta, open, now)
redis.call('PUBLISH', channel, ended)
return { ended, '0' }
