import { run } from '../processes/run.ts'

const installTakesAtMostMs = 300_000

/**
 * The package starts a Redis of its own on port 6379 when it is installed. We want the program only, so the start is
 * forbidden for as long as the installation takes, and the service is not left to start at the next boot.
 */
const script = `
set -e
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq || true
apt-get install -y -qq --no-install-recommends redis-server
if [ -d /run/systemd/system ]; then systemctl disable redis-server || true; fi
`

/** Installs redis-server where that can be done without asking: apt-get there, and root or a sudo without password. */
export async function installDebianRedis(say: (line: string) => void): Promise<boolean> {
  const apt = await run('apt-get', ['--version'])
  if (!apt.ok) return false
  const isRoot = process.getuid?.() === 0
  if (!isRoot && !(await run('sudo', ['-n', 'true'])).ok) return false
  say('Installing the package redis-server (no Redis on the PATH, and no Docker)...')
  const shell = ['sh', '-c', script]
  const options = { timeoutMs: installTakesAtMostMs }
  const installed = await (isRoot ? run('sh', shell.slice(1), options) : run('sudo', ['-n', ...shell], options))
  if (!installed.ok) say(`That did not work: ${installed.stderr.trim().split('\n').at(-1) ?? 'apt-get failed'}`)
  return installed.ok
}
