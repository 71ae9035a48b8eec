-- Shared by the steps that note what happened to a batch: `<unix ms>|<type>|<message>`, the newest 200.
local function noteEvent(timeline, kind, message)
  local t = redis.call('TIME')
  redis.call('RPUSH', timeline, string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)) .. '|' .. kind .. '|' .. message)
  redis.call('LTRIM', timeline, -200, -1)
end

-- Not again while it is the last thing that was noted, and not a minute old.
local function noteEventOnce(timeline, kind, message)
  local last = redis.call('LINDEX', timeline, -1) or ''
  local at, before = last:match('^(%d+)|([^|]*)|')
  if before == kind and redis.call('TIME')[1] * 1000 - at < 60000 then return end
  noteEvent(timeline, kind, message)
end
