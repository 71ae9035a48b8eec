import type { LaneConfig } from '@sluice/contract/lane'

/** At most so many in any period of this length. */
export interface ConfiguredLimit {
  readonly kind: 'requests' | 'tokens'
  readonly most: number
  readonly periodMs: number
}

/** All limits that a lane's configuration sets. */
export function configuredLimits({ rpm, tpm, limits }: Pick<LaneConfig, 'rpm' | 'tpm' | 'limits'>): ConfiguredLimit[] {
  return [
    ...(rpm === undefined ? [] : [{ kind: 'requests' as const, most: rpm, periodMs: 60_000 }]),
    ...(tpm === undefined ? [] : [{ kind: 'tokens' as const, most: tpm, periodMs: 60_000 }]),
    ...limits.map((limit) =>
      'requests' in limit
        ? { kind: 'requests' as const, most: limit.requests, periodMs: limit.perS * 1_000 }
        : { kind: 'tokens' as const, most: limit.tokens, periodMs: limit.perS * 1_000 },
    ),
  ]
}
