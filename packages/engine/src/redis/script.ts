import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Cluster, type Redis } from 'ioredis'

type LuaReply = string | number | null | LuaReply[]
type ScriptArg = string | number | Buffer

/**
 * An atomic step. `keys` are the Redis keys by name: the script takes those that its header names, so the whole record of a batch or
 * lane fits. `args` must have exactly the names of the header; a variadic argument (`indexes...`) takes a list.
 */
type Script = <K extends { readonly [Name in keyof K]: string }>(
  redis: Redis,
  keys: K,
  args?: Readonly<Record<string, ScriptArg | readonly ScriptArg[]>>,
) => Promise<LuaReply>

/** Without named parameters: `KEYS[1]` and `ARGV[1]` as Redis knows them. */
type PositionalScript = (redis: Redis, keys: readonly string[], args: readonly ScriptArg[]) => Promise<LuaReply>

/**
 * Loads a `.lua` file, whose header declares the names of its keys and arguments:
 *
 *     -- KEYS: meta, open
 *     -- ARGV: index, token, others...
 *
 * Each such line becomes a `local` statement with these names (lines keep their numbers in error messages); a last name with `...`
 * becomes a table of the remaining arguments. Several lines of one kind continue each other. `-- include: name.lua` inserts a file of
 * the same folder, which has no header: its functions take parameters. `-- FLAGS: allow-oom` lets Redis run the script also when
 * its memory is full; with `-- FLAGS: none` it rejects the script as a whole, before its first write.
 * `url` is of the file, as `new URL('record.lua', import.meta.url)`. Throws if the header is malformed.
 */
export function loadScript(url: URL): Script {
  const file = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  const { keys: keyNames, args: argNames, variadic, source, flags } = compileScript(file, readSource(file, url))
  const whole = withFlags(source, flags)
  const [alone, inCluster] = [evaluator(whole), evaluator(shardedMessages(whole))]
  const known = new Set(variadic === null ? argNames : [...argNames, variadic])
  const refuseUnknown = (names: readonly string[]) => {
    const unknown = names.find((name) => !known.has(name))
    if (unknown === undefined) return
    throw new Error(`${file}: there is no argument '${unknown}'. It takes: ${[...known].join(', ') || 'none'}.`)
  }
  return async (redis, keys, args = {}) => {
    const given = keys as Readonly<Record<string, unknown>>
    const keyList = keyNames.map((name) => {
      const key = given[name]
      if (typeof key !== 'string') throw new Error(`${file}: the key '${name}' is missing.`)
      return key
    })
    const names = Object.keys(args)
    // Of as many, one that is unknown leaves another one missing, which is reported below.
    if (names.length > known.size) refuseUnknown(names)
    const argList = argNames.map((name) => {
      const value = args[name]
      if (isArg(value)) return value
      refuseUnknown(names)
      throw new Error(`${file}: the argument '${name}' must be a string, a number or a Buffer.`)
    })
    const client: unknown = redis
    const run = client instanceof Cluster ? inCluster : alone
    if (variadic === null) return run(redis, keyList, argList)
    const rest = args[variadic]
    if (!Array.isArray(rest) || !rest.every(isArg)) {
      throw new Error(`${file}: the argument '${variadic}' must be a list of strings, numbers or Buffers.`)
    }
    return run(redis, keyList, [...argList, ...rest])
  }
}

interface CompiledScript {
  readonly keys: readonly string[]
  /** Without the variadic one. */
  readonly args: readonly string[]
  readonly variadic: string | null
  readonly source: string
  /** Undefined: the header declares none, and a full Redis rejects the first command that needs memory. Empty: `none`. */
  readonly flags: string | undefined
}

/** Lua allows 200 local variables in a function. Half of them are left for the body. */
const mostNames = 100
const headerLine = /^-- (KEYS|ARGV): ?(.*)$/
const flagsLine = /^-- FLAGS: (none|allow-oom)$/
const validName = /^[a-z][A-Za-z0-9]*$/
/** Keywords would not compile; the others are what bodies call. */
const takenNames = new Set(
  (
    'and break do else elseif end false for function if in local nil not or repeat return then true until while ' +
    'redis cjson cmsgpack bit struct string table math os type tonumber tostring ipairs pairs next unpack select error pcall'
  ).split(' '),
)

/** Replaces the header of a script by `local` statements. */
export function compileScript(file: string, lua: string): CompiledScript {
  const found = { KEYS: [] as string[], ARGV: [] as string[] }
  let variadic: string | null = null

  const declare = (kind: 'KEYS' | 'ARGV', text: string): string => {
    const names: string[] = []
    const from = found[kind].length
    let rest = ''
    for (const part of text.split(',').map((one) => one.trim())) {
      const isRest = kind === 'ARGV' && part.endsWith('...')
      const name = isRest ? part.slice(0, -3) : part
      if (variadic !== null) throw new Error(`${file}: '${variadic}...' must be the last argument.`)
      if (!validName.test(name)) throw new Error(`${file}: '${part}' in its header is not a name (camelCase).`)
      if (takenNames.has(name)) throw new Error(`${file}: Lua uses the name '${name}': choose another one.`)
      if ([...found.KEYS, ...found.ARGV, ...names].includes(name)) {
        throw new Error(`${file}: its header declares '${name}' twice.`)
      }
      if (isRest) {
        const first = from + names.length + 1
        variadic = name
        // A loop, because unpack() fails on a few thousand values.
        rest = ` local ${name} = {} for i = ${first}, #ARGV do ${name}[i - ${first - 1}] = ARGV[i] end`
      } else names.push(name)
    }
    found[kind].push(...names)
    if (found.KEYS.length + found.ARGV.length > mostNames) {
      throw new Error(`${file}: its header declares more than ${mostNames} names.`)
    }
    const values = names.map((_, i) => `${kind}[${from + i + 1}]`)
    return (names.length === 0 ? '' : `local ${names.join(', ')} = ${values.join(', ')}`) + rest
  }

  let flags: string | undefined
  const source = lua
    .split('\n')
    .map((line) => {
      const [, given] = flagsLine.exec(line) ?? []
      if (given === undefined && line.startsWith('-- FLAGS:')) {
        throw new Error(`${file}: its header has '${line}': write '-- FLAGS: allow-oom' or '-- FLAGS: none'.`)
      }
      if (given !== undefined) flags = given === 'none' ? '' : given
      const [, kind, text] = headerLine.exec(line) ?? []
      return kind === undefined ? line : declare(kind as 'KEYS' | 'ARGV', text ?? '')
    })
    .join('\n')
  if (found.KEYS.length === 0) throw new Error(`${file}: its header has no line '-- KEYS: name, name'.`)
  return { keys: found.KEYS, args: found.ARGV, variadic, source, flags }
}

function readSource(file: string, url: URL): string {
  return readFileSync(url, 'utf8').replace(/^-- include: (\S+)$/gm, (_, name: string) => {
    const included = readFileSync(new URL(name, url), 'utf8')
    if (/^-- (KEYS|ARGV|FLAGS|include):/m.test(included)) {
      throw new Error(`${name}, included by ${file}: an included file has no KEYS, ARGV or include line.`)
    }
    return included
  })
}

/** Runs a script by its hash, and sends its source only to a Redis that does not have it. */
function evaluator(source: string): PositionalScript {
  const sha = createHash('sha1').update(source).digest('hex')
  return async (redis, keys, args) => {
    try {
      return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as LuaReply
    } catch (error) {
      // Not loaded yet, or Redis was restarted since.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return (await redis.eval(source, keys.length, ...keys, ...args)) as LuaReply
    }
  }
}

/** The shebang takes the place of a first comment line, so that lines keep their numbers. */
function withFlags(source: string, flags: string | undefined): string {
  if (flags === undefined) return source
  const shebang = flags === '' ? '#!lua' : `#!lua flags=${flags}`
  return source.startsWith('-- ') ? source.replace(/^.*/, shebang) : `${shebang}\n${source}`
}

/** A message reaches every node of a cluster with PUBLISH, and only the nodes of its slot with SPUBLISH: redis/changes.ts listens there. */
function shardedMessages(source: string): string {
  return source.replaceAll("'PUBLISH'", "'SPUBLISH'")
}

function isArg(value: unknown): value is ScriptArg {
  return typeof value === 'string' || typeof value === 'number' || Buffer.isBuffer(value)
}
