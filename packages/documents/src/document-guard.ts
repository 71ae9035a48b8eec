import { parentPort, workerData } from 'node:worker_threads'

// A thread of the reading process, whose main thread may be busy for minutes. Kills the process when it uses too much memory, because V8
// limits objects but not buffers (a hostile PDF unpacks a thousandfold), and when its parent has ended.
const { parentPid, mostBytes } = workerData as { parentPid: number; mostBytes: number }
const everyMs = 50

setInterval(() => {
  if (process.memoryUsage.rss() > mostBytes || process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL')
}, everyMs)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window has an origin, a thread's port has none.
parentPort?.postMessage('watching')
