import { refineFor } from '@sluice/config/code-extractor'
import { readConfig } from '@sluice/config/config'
import type { CallRequest } from '@sluice/contract/extract-function'
import type { Call } from '@sluice/contract/outcome'
import { createProvider, type Provider } from '@sluice/provider/provider'

/** A call for a suspect item, in the process that isolated-process.ts starts. */
export interface IsolatedRequest {
  readonly lane: string
  readonly request: CallRequest
}

export type IsolatedAnswer =
  | { readonly type: 'ready' }
  /** It has the request: if it ends now, it may be for that. */
  | { readonly type: 'taken' }
  | { readonly type: 'called'; readonly call: Call }
  /** A bug: the stack names its place and quotes neither text nor answer. */
  | { readonly type: 'threw'; readonly name: string }

if (process.send === undefined) throw new Error('This is started by isolated-process.ts.')

// A module that NODE_OPTIONS loads may have released the channel. Then this process would end between two calls.
process.channel?.ref()
// It ends with its worker. A terminal sends its signals to all processes, so they are ignored here: the worker decides when this one ends.
process.on('disconnect', () => process.exit())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const { lanes, extractors } = await readConfig()
const providers = new Map<string, Provider>()
process.on('message', (message: IsolatedRequest) => void call(message))
answer({ type: 'ready' })

async function call({ lane, request }: IsolatedRequest): Promise<void> {
  answer({ type: 'taken' })
  try {
    const provider =
      providers.get(lane) ?? createProvider(lanes[lane]!, { refine: (extractor) => refineFor(extractors, extractor) })
    providers.set(lane, provider)
    // The worker ends this process when the call is aborted.
    answer({ type: 'called', call: await provider.extract(request, { signal: new AbortController().signal }) })
  } catch (error) {
    answer({ type: 'threw', name: error instanceof Error ? error.name : typeof error })
  }
}

function answer(message: IsolatedAnswer): void {
  process.send?.(message)
}
