// Loaded into a process (node --import) whose clock the chaos run sets: a message `{ clockMs }` moves `Date` by so many ms from then on.
// Timers and `performance.now()` go on as they do when an administrator or NTP sets the clock of a machine.
const RealDate = Date
let shiftMs = 0

class MovedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + shiftMs)
    else super(...(given as [number]))
  }
  static override now(): number {
    return RealDate.now() + shiftMs
  }
}
globalThis.Date = MovedDate as DateConstructor

process.on('message', (message) => {
  if (typeof message === 'object' && message !== null && 'clockMs' in message) shiftMs = Number(message.clockMs)
})
// The channel alone must not keep a process alive.
process.channel?.unref()
