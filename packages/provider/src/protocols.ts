import type { LaneConfig } from '@sluice/contract/lane'
import type { Protocol } from './protocol.ts'
import { openai } from './protocols/openai/openai.ts'

/** Every protocol, by the name that a lane's `protocol` gives. */
export const protocols: Readonly<Record<LaneConfig['protocol'], Protocol>> = { openai }
