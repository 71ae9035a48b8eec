import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasDocker, run } from './docker.ts'

const root = resolve(import.meta.dirname, '../..')
const env = { ...process.env, SLUICE_API_KEYS: 'a-key-of-24-characters-1' }

interface Service {
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly privileged?: boolean
  readonly pids_limit?: number
  readonly ports?: readonly { readonly host_ip?: string }[]
  readonly volumes?: readonly { readonly type: string }[]
}

async function services(): Promise<[string, Service][]> {
  const { stdout } = await run('docker', ['compose', 'config', '--format', 'json'], { cwd: root, env })
  return Object.entries((JSON.parse(stdout) as { services: Record<string, Service> }).services)
}

describe.skipIf(!hasDocker)('the containers', () => {
  test('have no rights of the kernel, write no files, and listen on this machine only', async () => {
    const all = await services()
    expect(all.map(([name]) => name).toSorted()).toEqual(['api', 'redis', 'simulator', 'worker'])
    for (const [name, service] of all) {
      expect([name, service]).toEqual([
        name,
        expect.objectContaining({
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
          pids_limit: expect.any(Number) as number,
        }),
      ])
      // What the entry point of Redis needs to become its user.
      const needed = name === 'redis' ? ['CHOWN', 'DAC_OVERRIDE', 'SETGID', 'SETUID'] : undefined
      expect([name, service.cap_add, service.privileged]).toEqual([name, needed, undefined])
      expect((service.ports ?? []).map(({ host_ip: host }) => host)).toEqual(
        (service.ports ?? []).map(() => '127.0.0.1'),
      )
      // No folder or socket of the host.
      expect((service.volumes ?? []).filter(({ type }) => type === 'bind')).toEqual([])
    }
  })

  test('run an image without programs that gain rights, without secrets, and not as root', async () => {
    await run('docker', ['build', '--quiet', '--tag', 'sluice', '.'], { cwd: root })
    const inside = async (script: string) =>
      (
        await run('docker', [
          'run',
          '--rm',
          '--read-only',
          '--cap-drop',
          'ALL',
          '--network',
          'none',
          '--entrypoint',
          'sh',
          'sluice',
          '-c',
          script,
        ])
      ).stdout.trim()
    expect(await inside('id -u')).not.toBe('0')
    expect(await inside('find / -xdev -type f -perm /6000 2>/dev/null || true')).toBe('')
    const names = ['.env', '.npmrc', '*.pem', '*.key', 'id_rsa*', 'id_ed25519*', '.git', '*.log', '.netrc']
    expect(
      await inside(
        `find /app /root /home -xdev \\( ${names.map((name) => `-name '${name}'`).join(' -o ')} \\) 2>/dev/null || true`,
      ),
    ).toBe('')
    expect(
      await inside(
        `grep -rlE '(sk-[A-Za-z0-9]{20}|BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16})' /app --include=*.ts --include=*.json --include=*.yaml --exclude-dir=node_modules || true`,
      ),
    ).toBe('')
    expect(await inside('find /app -xdev -writable -not -type l 2>/dev/null | head -5 || true')).toBe('')
    expect(await inside('(touch /app/x || touch /etc/x) 2>&1 | head -1')).toMatch(/Read-only|denied/)
    const { stdout: history } = await run('docker', ['history', '--no-trunc', '--format', '{{.CreatedBy}}', 'sluice'])
    expect(history).not.toMatch(/KEY=|PASSWORD|TOKEN/)
  })
})
