-- KEYS: quota
-- Returns until when the lane is held (unix ms, as a string), or ''. Changes nothing.
local packed = redis.call('GET', quota)
if not packed then return '' end
local time = redis.call('TIME')
local heldUntil = cmsgpack.unpack(packed).heldUntil
return heldUntil > time[1] * 1000 + time[2] / 1000 and string.format('%.0f', heldUntil) or ''
