import { batchStatus } from '@sluice/contract/batch'
import { resultStatus } from '@sluice/contract/result'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { Cli, CommonOptions } from './cli.ts'
import { addBatchFlags, addLiveFlags } from './batch-flags.ts'
import type { ExitCode } from './cli-error.ts'
import { formats } from './inputs/open-input.ts'

/** Runs a command: gives it what it works with, and its exit code to the process. */
export type Run = (common: CommonOptions, command: (cli: Cli) => Promise<ExitCode>) => Promise<void>

const outsideHelp = `

Exit codes:
  0 all succeeded   1 it could not be done   2 not typed right   3 done, and items failed
  4 the batch is paused   130 detached by Ctrl-C

Environment:
  SLUICE_URL        the server (default: http://127.0.0.1:3000, or the port in PORT)
  SLUICE_API_KEY    its key, where it asks for one
  NO_COLOR          no colours`

/** All commands; `name` is how they are typed here. What each does is loaded when it runs. Throws a CommanderError for what is not typed right. */
export function createProgram(
  { name, version }: { readonly name: string; readonly version: string },
  run: Run,
): Command {
  const examples = (lines: readonly string[]): string =>
    ['', 'Examples:', ...lines.map((line) => `  $ ${name} ${line}`)].join('\n')

  const program = new Command(name)
    .exitOverride()
    .description('Texts in, validated structured data out, by a Sluice server.')
    .version(version)
    .addOption(new Option('--json', 'for scripts: data as JSON, no progress, errors as JSON on standard error'))
    .addOption(new Option('-q, --quiet', 'no progress and no words but errors'))
    .addOption(new Option('--no-input', 'never ask anything'))
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText(
      'after',
      examples([
        'extract people.jsonl --schema person.ts --out out.jsonl',
        'batches',
        'attach batch_01j9 --out out.jsonl',
        'doctor',
      ]) + outsideHelp,
    )

  const command = (verb: string, description: string, lines: readonly string[]): Command =>
    program
      .command(verb)
      .description(description)
      .addHelpText('after', examples(lines.map((line) => `${verb} ${line}`.trimEnd())))

  output(
    addBatchFlags(
      reading(
        recipe(
          command('extract', 'Extract from every text of an input; run again, it goes on', [
            'people.jsonl --schema person.ts --out out.jsonl',
            'people.csv --column bio --id-column nr --schema person.json --out out.jsonl',
            "letters/ --match '**/*.txt' --schema letter.ts --order input --out letters.jsonl",
            '- --schema person.ts < people.jsonl | jq .data',
          ]).argument(
            '<input>',
            'a .jsonl, .csv, .tsv or .txt file (a text a line), a folder with a text or document (.pdf, .html, .md) a file, a document, or - for standard input',
          ),
        ),
      ),
    ),
  )
    .option('--fresh', 'send an input that was sent before anew, and pay again')
    .option('--detach', 'only send it, and print the id of the batch')
    .action(async (input: string, options) =>
      run(common(program), async (cli) => (await import('./commands/extract.ts')).extract(cli, input, options)),
    )

  reading(
    recipe(
      command('estimate', 'Tell items, tokens and cost of an input; nothing runs', [
        'people.csv --column bio --schema person.ts',
      ]).argument('<input>', 'as for extract'),
    ),
  ).action(async (input: string, options) =>
    run(common(program), async (cli) => (await import('./commands/estimate.ts')).estimate(cli, input, options)),
  )

  command('batches', 'List batches, newest first', ['', '--status in_progress', '--json | jq -r ".data[].id"'])
    .addOption(new Option('--status <status>', 'only these').choices(batchStatus.options))
    .option('--after <batch>', 'those behind this one')
    .option('--limit <count>', 'how many, at most 100', wholeNumber, 20)
    .action(async (options) =>
      run(common(program), async (cli) => (await import('./commands/batches.ts')).batches(cli, options)),
    )

  command('status', 'Show a batch as it is now', ['batch_01j9', 'batch_01j9 --json'])
    .addArgument(batchArgument())
    .action(async (id: string) =>
      run(common(program), async (cli) => (await import('./commands/status.ts')).status(cli, id)),
    )

  output(command('attach', 'Show a batch and write its results until it has ended', ['batch_01j9 --out out.jsonl']))
    .addArgument(batchArgument())
    .addOption(checkOption())
    .action(async (id: string, options) =>
      run(common(program), async (cli) => (await import('./commands/attach.ts')).attach(cli, id, options)),
    )

  output(
    command('results', 'Write the results there are now', [
      'batch_01j9 > out.jsonl',
      'batch_01j9 --status failed | jq .error',
    ]),
    'input',
  )
    .addArgument(batchArgument())
    .addOption(checkOption())
    .addOption(new Option('--status <status>', 'only these').choices(resultStatus.options))
    .option('--after <cursor>', 'those behind this cursor, of a result seen before')
    .option('--follow', 'wait for those to come')
    .action(async (id: string, options) =>
      run(common(program), async (cli) => (await import('./commands/results.ts')).results(cli, id, options)),
    )

  for (const [verb, description] of [
    ['pause', 'Start nothing new; calls in flight end'],
    ['cancel', 'End a batch with what is done'],
  ] as const) {
    command(verb, description, ['batch_01j9'])
      .addArgument(batchArgument())
      .action(async (id: string) =>
        run(common(program), async (cli) => (await import('./commands/control.ts')).control(cli, verb, { id })),
      )
  }

  addLiveFlags(command('resume', 'Go on with a batch that is paused', ['batch_01j9', 'batch_01j9 --max-cost 10']))
    .addArgument(batchArgument())
    .action(async (id: string, options) =>
      run(common(program), async (cli) =>
        (await import('./commands/control.ts')).control(cli, 'resume', { id, live: options }),
      ),
    )

  output(
    command('retry', 'Send failed items back to work, all or some, and attach', [
      'batch_01j9 --out out.jsonl',
      'batch_01j9 --error-type unavailable --dry-run',
    ]),
  )
    .addArgument(batchArgument())
    .addOption(checkOption())
    .option('--error-type <type>', 'only those that failed so, such as unavailable')
    .option('--items <ids>', 'only these, with commas between', list)
    .option('--dry-run', 'only tell how many')
    .option('--detach', 'do not wait for them')
    .action(async (id: string, options) =>
      run(common(program), async (cli) => (await import('./commands/retry.ts')).retry(cli, id, options)),
    )

  command('doctor', 'Check server, key, workers, Redis and provider, and say what to mend', ['', '--call', '--json'])
    .option('--call', 'make one small call by each lane, which is paid for')
    .action(async (options) =>
      run(common(program), async (cli) => (await import('./commands/doctor.ts')).doctor(cli, options, version)),
    )
  return program
}

function common(program: Command): CommonOptions {
  return program.opts<CommonOptions>()
}

function batchArgument(): Argument {
  return new Argument('<batch>', 'its id')
}

function checkOption(): Option {
  return new Option('--schema <file>', 'check values by this zod or JSON Schema when they arrive')
}

function recipe(command: Command): Command {
  return command
    .option(
      '--schema <file>',
      'what to extract: a module whose default export is a zod schema (.ts, .js), or a JSON Schema (.json)',
    )
    .option('--extractor <name>', 'instead of a schema: an extractor that the server has, as name or name@version')
    .option('--instructions <text>', 'what to extract, in words; @file for what is in a file')
    .option('--lane <name>', 'the lane to use (default: "default")')
    .option('--model <name>', "in place of the lane's model")
}

function reading(command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'of the input, where its ending does not tell').choices(formats))
    .option('--column <name>', 'the column or field with the text (default: "text", or the only one)')
    .option('--id-column <name>', 'the column or field with the id')
    .option('--keep <names>', 'columns or fields that come back with the result as metadata, with commas between', list)
    .option('--delimiter <character>', 'between cells (default: the one of , ; tab that the first line has most of)')
    .option('--encoding <name>', 'of the input', 'utf-8')
    .option('--match <glob>', "of a folder only these files, such as '**/*.txt'")
    .addOption(
      new Option('--on-invalid <what>', 'a line, row or file that is not valid ends it, or is left out')
        .choices(['stop', 'skip'])
        .default('stop'),
    )
}

function output(command: Command, order: 'completion' | 'input' = 'completion'): Command {
  return command
    .option('-o, --out <file>', 'where results go, a line of JSON each (default: standard output)')
    .addOption(
      new Option('--order <order>', 'as they come, or as in the input').choices(['completion', 'input']).default(order),
    )
    .option('--overwrite', 'although the file holds something else')
}

function wholeNumber(text: string): number {
  if (/^[1-9][0-9]*$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1.')
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
