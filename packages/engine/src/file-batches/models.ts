import type { LaneConfig } from '@sluice/contract/lane'

/** Where the requests for a model go. */
export interface ModelPlace {
  readonly lane: string
  /** As the lane's provider calls it. */
  readonly model: string
}

export interface Models {
  /** The place of a model that a request names; null: no lane has it. */
  find(name: string): ModelPlace | null
  /** Every name that a request may use, but for those that `*` stands for. */
  readonly names: readonly string[]
}

const anyName = '*'

/**
 * The models of all lanes. A request names a lane's own model, one of the lane's `models`, or, to choose among lanes, `lane/model`.
 * The lane `default` comes before others that have the same model.
 */
export function createModels(lanes: Readonly<Record<string, LaneConfig>>): Models {
  const inOrder = Object.entries(lanes).toSorted(([a], [b]) => Number(b === 'default') - Number(a === 'default'))

  const modelOn = (lane: LaneConfig, name: string): string | undefined => {
    if (name === lane.model) return name
    if (Object.hasOwn(lane.models, name)) return lane.models[name]
    return lane.models[anyName] === undefined ? undefined : name
  }
  const exact = (lane: LaneConfig, name: string) =>
    name === lane.model || (name !== anyName && Object.hasOwn(lane.models, name))

  return {
    find(name) {
      const named = inOrder.find(([, lane]) => exact(lane, name))
      const slash = name.indexOf('/')
      const prefix = slash < 0 ? undefined : name.slice(0, slash)
      if (named === undefined && prefix !== undefined && Object.hasOwn(lanes, prefix)) {
        const model = modelOn(lanes[prefix] as LaneConfig, name.slice(slash + 1))
        return model === undefined ? null : { lane: prefix, model }
      }
      const [lane, config] = named ?? inOrder.find(([, one]) => one.models[anyName] !== undefined) ?? []
      if (lane === undefined || config === undefined) return null
      return { lane, model: modelOn(config, name) ?? name }
    },
    names: [
      ...new Set(
        inOrder.flatMap(([lane, config]) => {
          const own = [config.model, ...Object.keys(config.models).filter((name) => name !== anyName)]
          return [...own, ...own.map((name) => `${lane}/${name}`)]
        }),
      ),
    ],
  }
}
