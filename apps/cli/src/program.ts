import { batchStatus } from '@sluice/contract/batch'
import { resultStatus } from '@sluice/contract/result'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { Cli, CommonOptions } from './cli.ts'
import { addBatchFlags, addLiveFlags } from './batch-flags.ts'
import type { ExitCode } from './cli-error.ts'
import { formats } from './inputs/open-input.ts'

/** Runs a command with a Cli, and makes its result the exit code of the process. */
export type Run = (common: CommonOptions, command: (cli: Cli) => Promise<ExitCode>) => Promise<void>

const outsideHelp = `

Exit codes:
  0 all items succeeded   1 the command failed   2 wrong usage   3 done, but items failed
  4 the batch is paused   130 detached by Ctrl-C; the batch continues

Environment:
  SLUICE_URL        address of the server (default: http://127.0.0.1:3000, or the port in PORT)
  SLUICE_API_KEY    API key, if the server requires one
  NO_COLOR          no colors`

/** All commands. `name` is how the user types the program. The code of a command is loaded when it runs. Throws a CommanderError for wrong usage. */
export function createProgram(
  { name, version }: { readonly name: string; readonly version: string },
  run: Run,
): Command {
  const examples = (lines: readonly string[]): string =>
    ['', 'Examples:', ...lines.map((line) => `  $ ${name} ${line}`)].join('\n')

  const program = new Command(name)
    .exitOverride()
    .description('Extract validated structured data from texts, with a Sluice server.')
    .version(version)
    .addOption(new Option('--json', 'for scripts: print data as JSON, errors as JSON on standard error, no progress'))
    .addOption(new Option('-q, --quiet', 'print no progress and no messages, only errors'))
    .addOption(new Option('--no-input', 'never ask questions'))
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows all commands and options)')
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
          command('extract', 'Extract data from every text of an input. Run it again to resume', [
            'people.jsonl --schema person.ts --out out.jsonl',
            'people.csv --column bio --id-column nr --schema person.json --out out.jsonl',
            "letters/ --match '**/*.txt' --schema letter.ts --order input --out letters.jsonl",
            '- --schema person.ts < people.jsonl | jq .data',
          ]).argument(
            '<input>',
            'a .jsonl, .csv, .tsv or .txt file (one text per line), a folder (one text or document per file), a document (.pdf, .html, .md), or - for standard input',
          ),
        ),
      ),
    ),
  )
    .option('--fresh', 'send the input again although it was sent before, and pay again')
    .option('--detach', 'send the input, print the batch id, and do not wait')
    .action(async (input: string, options) =>
      run(common(program), async (cli) => (await import('./commands/extract.ts')).extract(cli, input, options)),
    )

  reading(
    recipe(
      command('estimate', 'Show items, tokens and cost of an input without running it', [
        'people.csv --column bio --schema person.ts',
      ]).argument('<input>', 'as for `extract`'),
    ),
  ).action(async (input: string, options) =>
    run(common(program), async (cli) => (await import('./commands/estimate.ts')).estimate(cli, input, options)),
  )

  command('openai-batch', "Run a file of OpenAI's Batch API, and write its output and error files", [
    'requests.jsonl --out answers.jsonl',
    '--batch batch_01j9 --out answers.jsonl',
  ])
    .argument('[file]', 'a .jsonl file of requests, as for OpenAI')
    .requiredOption('-o, --out <file>', 'file for the lines of requests that succeeded')
    .option('--errors <file>', 'file for the lines of the others (default: that of --out, with .errors)')
    .option('--endpoint <path>', "the batch's endpoint (default: the `url` of the first line)")
    .option('--batch <id>', 'continue with a batch that was started before')
    .option('--overwrite', 'overwrite existing files')
    .action(async (file: string | undefined, options) =>
      run(common(program), async (cli) => (await import('./commands/openai-batch.ts')).openAiBatch(cli, file, options)),
    )

  command('batches', 'List batches, newest first', ['', '--status in_progress', '--json | jq -r ".data[].id"'])
    .addOption(new Option('--status <status>', 'only batches with this status').choices(batchStatus.options))
    .option('--search <text>', 'only batches with this text in their id, name or metadata')
    .option('--after <batch>', 'only batches listed after this one')
    .option('--limit <count>', 'how many to list, at most 100', wholeNumber, 20)
    .action(async (options) =>
      run(common(program), async (cli) => (await import('./commands/batches.ts')).batches(cli, options)),
    )

  command('status', 'Show the current state of a batch', ['batch_01j9', 'batch_01j9 --json'])
    .addArgument(batchArgument())
    .action(async (id: string) =>
      run(common(program), async (cli) => (await import('./commands/status.ts')).status(cli, id)),
    )

  output(command('attach', 'Follow a batch and write its results until it has ended', ['batch_01j9 --out out.jsonl']))
    .addArgument(batchArgument())
    .addOption(checkOption())
    .action(async (id: string, options) =>
      run(common(program), async (cli) => (await import('./commands/attach.ts')).attach(cli, id, options)),
    )

  output(
    command('results', 'Write the results that exist now', [
      'batch_01j9 > out.jsonl',
      'batch_01j9 --status failed | jq .error',
      'batch_01j9 --format csv --out out.csv',
    ]),
    'input',
  )
    .addArgument(batchArgument())
    .addOption(checkOption())
    .addOption(new Option('--status <status>', 'only results with this status').choices(resultStatus.options))
    .option('--after <cursor>', 'only results after this cursor, which each result contains')
    .addOption(
      new Option('--format <format>', 'one line of JSON each, or a table').choices(['jsonl', 'csv']).default('jsonl'),
    )
    .option('--keep-formulas', 'in CSV, leave texts as they are that a spreadsheet would run as formulas')
    .option('--follow', 'wait for further results until the batch has ended')
    .action(async (id: string, options) =>
      run(common(program), async (cli) => (await import('./commands/results.ts')).results(cli, id, options)),
    )

  command('errors', 'Show the failures of a batch in groups, each with a sample', [
    'batch_01j9',
    'batch_01j9 --json | jq ".data[0]"',
  ])
    .addArgument(batchArgument())
    .action(async (id: string) =>
      run(common(program), async (cli) => (await import('./commands/errors.ts')).errors(cli, id)),
    )

  for (const [verb, description] of [
    ['pause', 'Pause a batch: no new calls; calls in flight finish'],
    ['cancel', 'Cancel a batch. Results that exist are kept'],
  ] as const) {
    command(verb, description, ['batch_01j9'])
      .addArgument(batchArgument())
      .action(async (id: string) =>
        run(common(program), async (cli) => (await import('./commands/control.ts')).control(cli, verb, { id })),
      )
  }

  addLiveFlags(command('resume', 'Resume a paused batch', ['batch_01j9', 'batch_01j9 --max-cost 10']))
    .addArgument(batchArgument())
    .action(async (id: string, options) =>
      run(common(program), async (cli) =>
        (await import('./commands/control.ts')).control(cli, 'resume', { id, live: options }),
      ),
    )

  output(
    command('retry', 'Retry failed items, all or some, and follow the batch', [
      'batch_01j9 --out out.jsonl',
      'batch_01j9 --error-type unavailable --dry-run',
    ]),
  )
    .addArgument(batchArgument())
    .addOption(checkOption())
    .option('--error-type <type>', 'only items that failed with this type, such as unavailable')
    .option('--error-group <id>', 'only items of this group of failures, as `errors` shows it')
    .option('--items <ids>', 'only items with these ids, separated by commas', list)
    .option('--dry-run', 'only show how many items would be retried, and what they would cost')
    .option('--detach', 'do not wait for the results')
    .action(async (id: string, options) =>
      run(common(program), async (cli) => (await import('./commands/retry.ts')).retry(cli, id, options)),
    )

  command('doctor', 'Check server, key, workers, Redis and provider, and say how to fix problems', [
    '',
    '--call',
    '--json',
  ])
    .option('--call', 'also make one small, paid call on each lane')
    .action(async (options) =>
      run(common(program), async (cli) => (await import('./commands/doctor.ts')).doctor(cli, options, version)),
    )
  return program
}

function common(program: Command): CommonOptions {
  return program.opts<CommonOptions>()
}

function batchArgument(): Argument {
  return new Argument('<batch>', 'id of the batch')
}

function checkOption(): Option {
  return new Option('--schema <file>', 'check values with this zod or JSON Schema when they arrive')
}

function recipe(command: Command): Command {
  return command
    .option(
      '--schema <file>',
      'what to extract: a module whose default export is a zod schema (.ts, .js), or a JSON Schema (.json)',
    )
    .option('--extractor <name>', 'use an extractor stored on the server, as name or name@version, instead of a schema')
    .option('--instructions <text>', 'what to extract, in words; @file reads them from a file')
    .option('--lane <name>', 'the lane to use (default: "default")')
    .option('--model <name>', "model to use instead of the lane's")
}

function reading(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'format of the input, if the file extension does not show it').choices(formats),
    )
    .option('--column <name>', 'column or field that contains the text (default: "text", or the only column)')
    .option('--id-column <name>', 'column or field that contains the id')
    .option('--keep <names>', 'columns or fields to return with the result as metadata, separated by commas', list)
    .option(
      '--delimiter <character>',
      'CSV delimiter (default: the most frequent of comma, semicolon and tab in the first line)',
    )
    .option('--encoding <name>', 'character encoding of the input', 'utf-8')
    .option('--match <glob>', "in a folder, only files that match, such as '**/*.txt'")
    .addOption(
      new Option('--on-invalid <what>', 'what to do with an invalid line, row or file: stop, or skip it and report it')
        .choices(['stop', 'skip'])
        .default('stop'),
    )
}

function output(command: Command, order: 'completion' | 'input' = 'completion'): Command {
  return command
    .option('-o, --out <file>', 'file for the results, one line of JSON each (default: standard output)')
    .addOption(
      new Option('--order <order>', 'order of the results: as they complete, or as in the input')
        .choices(['completion', 'input'])
        .default(order),
    )
    .option('--overwrite', 'overwrite the file even if it is not from this batch')
}

function wholeNumber(text: string): number {
  if (/^[1-9][0-9]*$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number, 1 or greater.')
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
