-- A call ended and the item goes on: its cost is added and its attempts are kept.
-- KEYS: meta, open, runs, calls, unsettled, tries.
-- ARGV: index, feed number, run token, 'settled' or 'unsettled' (it may have been paid without our knowing), tries JSON,
--       paid calls, input tokens, cached input tokens, output tokens, cost in nano-dollars.
-- Returns 'closed' or 'stale'.
-- include: usage.lua
-- include: end-call.lua
if redis.call('EXISTS', KEYS[1]) == 0 then return 'stale' end
addUsage(KEYS[1], ARGV, 6)
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 'stale' end
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[3] then return 'stale' end
endCall(KEYS[1], KEYS[4], ARGV[1], ARGV[4])
if ARGV[4] == 'unsettled' then redis.call('SADD', KEYS[5], ARGV[1]) end
redis.call('HSET', KEYS[6], ARGV[1], ARGV[5])
return 'closed'
