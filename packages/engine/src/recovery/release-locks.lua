-- Ends the locks of the jobs that a dead worker held on a lane, so that BullMQ's next look for stalled jobs, which may run at once, moves
-- them back to the queue.
-- KEYS: stalled, stalledCheck
-- ARGV: workerId, jobPrefix, jobIds...
-- jobPrefix: the key of a job without its id. Its keys are in the same cluster slot. jobIds: some of the active jobs.
-- Returns how many of them it held.
local count = 0
for _, jobId in ipairs(jobIds) do
  local lock = jobPrefix .. jobId .. ':lock'
  local token = redis.call('GET', lock)
  if token and token:sub(1, #workerId + 1) == workerId .. ':' then
    redis.call('DEL', lock)
    redis.call('SADD', stalled, jobId)
    count = count + 1
  end
end
if count > 0 then redis.call('DEL', stalledCheck) end
return count
