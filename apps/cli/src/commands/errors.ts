import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'

/** The failures of a batch in groups, the largest first. */
export async function errors(cli: Cli, id: string): Promise<ExitCode> {
  const groups = await (await cli.connect()).batch(id).errors()
  cli.print(groups, () => {
    if (groups.data.length === 0 && groups.other_count === 0) return ['No item failed.']
    const lines = groups.data.flatMap(({ id: group, type, path, message, count, sample }) => [
      `${count.toLocaleString('en')} x ${type}${path === null ? '' : ` at ${path}`}: ${message}`,
      ...(sample === null ? [] : [`    such as item '${sample.id}': ${sample.message.split('\n')[0] ?? ''}`]),
      `    ${cli.line('retry', id, '--error-group', group)}`,
    ])
    const others = groups.other_count === 0 ? [] : [`${groups.other_count.toLocaleString('en')} others`]
    return [...lines, ...others]
  })
  return exitCodes.ok
}
