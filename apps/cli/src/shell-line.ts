/** A command that can be pasted into a shell. */
export function shellLine(command: string, args: readonly string[]): string {
  return [command, ...args.map(quoted)].join(' ')
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`
}
