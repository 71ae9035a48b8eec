-- Changes the status of an upload, if it has the one that the caller saw.
-- KEYS: meta
-- ARGV: from, to, fileId
-- fileId: the file that was made of it; '' otherwise.
-- Returns 1, or 0 when it has another status, or is gone.
if redis.call('HGET', meta, 'status') ~= from then return 0 end
redis.call('HSET', meta, 'status', to, 'fileId', fileId)
return 1
