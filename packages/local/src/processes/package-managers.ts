import { run } from './run.ts'

/**
 * The parent processes up to the topmost package manager: for `npx -y pnpm@12 start` these are npx, pnpm and the shells between them.
 * When one of them ends it may not pass that on, and the terminal looks free while everything is still running.
 * Empty without a package manager: a parent that ends is normal then, for example a shell that is closed after `nohup`.
 */
export async function packageManagersAbove(pid: number): Promise<number[]> {
  const { ok, stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args='])
  return ok ? packageManagersIn(stdout, pid) : []
}

/** `listing` has a line `<pid> <parent's pid> <command line>` for each process. */
export function packageManagersIn(listing: string, pid: number): number[] {
  const processes = new Map<number, { parent: number; isManager: boolean }>()
  for (const [, id, parent, args] of listing.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)) {
    const isManager = /(^|[\s/])(npx|npm|pnpm|yarn|corepack)([\s@.-]|$)/.test(args!)
    processes.set(Number(id), { parent: Number(parent), isManager })
  }
  const above: number[] = []
  let managers: number[] = []
  for (let at = processes.get(pid)?.parent; at !== undefined && at > 1; at = processes.get(at)?.parent) {
    above.push(at)
    if (processes.get(at)?.isManager) managers = [...above]
  }
  return managers
}
