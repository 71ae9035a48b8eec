import { parentPort, workerData } from 'node:worker_threads'

// A thread beside the reading, which may not come to look for minutes. Ends the process when it takes too much memory, as V8 limits only
// objects and not the buffers beside them (a hostile PDF unpacks a thousandfold), and when the process that it reads for is gone.
const { parentPid, mostBytes } = workerData as { parentPid: number; mostBytes: number }
const lookMs = 50

setInterval(() => {
  if (process.memoryUsage.rss() > mostBytes || process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL')
}, lookMs)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window has an origin, a thread's port has none.
parentPort?.postMessage('watching')
