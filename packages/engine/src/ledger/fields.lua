-- Shared by the steps for many items: one command reads what a hash has for all of them.
-- `entries` is flat, with `width` values for each item; the first is its index.
local function indexesOf(entries, width)
  local indexes = {}
  for at = 1, #entries, width do indexes[#indexes + 1] = entries[at] end
  return indexes
end

-- Each field, then each with the prefix.
local function alsoPrefixed(prefix, fields)
  local all = { unpack(fields) }
  for _, field in ipairs(fields) do all[#all + 1] = prefix .. field end
  return all
end

-- Field -> value; false where there is none.
local function readFields(hash, fields)
  local values, byField = redis.call('HMGET', hash, unpack(fields)), {}
  for i, field in ipairs(fields) do byField[field] = values[i] end
  return byField
end
