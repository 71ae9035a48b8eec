-- Notes what happened to a batch, unless it was removed meanwhile, or unless the same was noted last.
-- FLAGS: allow-oom
-- KEYS: meta, timeline
-- ARGV: kind, message
-- include: timeline.lua
if redis.call('EXISTS', meta) == 0 then return 0 end
local last = redis.call('LINDEX', timeline, -1) or ''
if last:sub(-#kind - #message - 2) == '|' .. kind .. '|' .. message then return 0 end
noteEvent(timeline, kind, message)
return 1
