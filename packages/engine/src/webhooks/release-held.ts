import type { EnqueueDelivery } from './announce.ts'
import type { Delivery, DeliveryStore, StoredDelivery } from './delivery-store.ts'

/** Starts the held deliveries of an endpoint that was enabled. Safe to repeat. */
export type ReleaseHeld = (endpointId: string) => Promise<void>

export interface RestartDependencies {
  readonly store: DeliveryStore
  readonly enqueueDelivery: EnqueueDelivery
}

/** Starts a new round of attempts. Null if the delivery has changed since it was read. */
export async function restart(
  found: StoredDelivery,
  { store, enqueueDelivery }: RestartDependencies,
): Promise<Delivery | null> {
  const { round } = found.delivery
  const changes = { status: 'pending', round: round + 1, tries: 0, startedAt: null, nextAt: Date.now() } as const
  const moved = await store.move(found, changes)
  if (moved !== null) await enqueueDelivery(moved)
  return moved
}

export function createReleaseHeld(dependencies: RestartDependencies): ReleaseHeld {
  const { store } = dependencies
  return async (endpointId) => {
    for (const id of await store.held(endpointId)) {
      const found = await store.read(id)
      if (found?.delivery.status === 'held') await restart(found, dependencies)
    }
  }
}
