import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

interface Listed {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** The processes that read documents for the process `parent`. */
export function childrenOf(parent: number): number[] {
  return documentProcesses()
    .filter((listed) => listed.parent === parent)
    .map(({ pid }) => pid)
}

export function isReading(pid: number): boolean {
  return documentProcesses().some((listed) => listed.pid === pid)
}

/** A zombie, which has ended and is not yet taken note of, has no arguments any more. */
function documentProcesses(): Listed[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => {
      const [pid, parent, ...command] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), command: command.join(' ') }
    })
    .filter(({ command }) => command.includes('document-child.ts'))
}

/** Resolves to the value of `look` as soon as it is `enough`; rejects after 10 s. */
export async function until<T>(look: () => T, enough: (seen: T) => boolean): Promise<T> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const seen = look()
    if (enough(seen)) return seen
    if (Date.now() > deadline) throw new Error(`Not within 10 s: ${JSON.stringify(seen)}`)
    await sleep(20)
  }
}
