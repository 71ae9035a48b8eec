/** Long work of all requests together takes so much of each round of the event loop. */
const turnMs = 5
/** Short work is not worth waiting for a turn. */
const freeMs = 2

const waiting: (() => void)[] = []
let turnBegan = 0
let scheduled = false

/**
 * For long work that is made of small steps: call it between them. It waits for a turn where this work has had its share. One piece
 * of work has its turn in each round of the event loop, however many there are, so that everything else waits for one turn at most.
 */
export function createTurns(): () => Promise<void> | undefined {
  const began = performance.now()
  return () => {
    const now = performance.now()
    if (now - began < freeMs || now - turnBegan < turnMs) return undefined
    return new Promise((resolve) => {
      waiting.push(resolve)
      schedule()
    })
  }
}

function schedule(): void {
  if (scheduled || waiting.length === 0) return
  scheduled = true
  setImmediate(() => {
    scheduled = false
    turnBegan = performance.now()
    waiting.shift()?.()
    schedule()
  })
}
