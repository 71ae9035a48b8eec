import type { LaneView } from '@sluice/contract/lane-view'
import { expect, test } from 'vitest'
import { formatMetrics } from './metrics.ts'

const limit = { unit: 'requests', limit: 600, period_s: 60, remaining: 12, used: 588, resets_at: null } as const
const lane: LaneView = {
  object: 'lane',
  name: 'fast',
  model: 'm',
  workers: 1,
  concurrency: 10,
  workers_wanted: 1,
  in_flight: 2,
  waiting_for_quota: 3,
  held_until: null,
  limits: [
    { ...limit, name: 'requests per 60 s', source: 'configuration' },
    { ...limit, name: 'requests per 86400 s', source: 'configuration', limit: 5_000, period_s: 86_400 },
  ],
  models: [
    {
      model: 'm',
      requests_in_flight: 2,
      tokens_in_flight: 126,
      cost_factor: 0.5,
      held_until: Date.now() / 1_000 + 100,
      waits_for: 'The provider refused a call (429) and its wait is not over.',
      binding_limit: 'tokens',
      limits: [{ ...limit, name: 'tokens', unit: 'tokens', source: 'header' }],
    },
  ],
  items_waiting: 0,
  window: { waiting: 0, active: 0, delayed: 0 },
  batches: 1,
  pause_reason: null,
  calls: {},
  repeated_calls: 0,
  call_seconds: { buckets: {}, sum: 0, count: 0 },
  latency_s: null,
  refused_calls: 0,
  usage: { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 },
  cost_usd: null,
}

test('metrics say of each limit what it is, where it is known from, what is used, which binds, and why calls wait', async () => {
  const { text } = await formatMetrics([lane], { usedBytes: 1, limitBytes: 0 })
  const lines = text.split('\n')
  const header = 'lane="fast",model="m",limit="tokens",unit="tokens",source="header"'
  expect(lines).toContain(`sluice_limit{${header}} 600`)
  expect(lines).toContain(`sluice_limit_remaining{${header}} 12`)
  expect(lines).toContain(`sluice_limit_used{${header}} 588`)
  expect(lines).toContain('sluice_limit_binding{lane="fast",model="m",limit="tokens"} 1')
  const configured = (name: string) => `lane="fast",model="",limit="${name}",unit="requests",source="configuration"`
  expect(lines).toContain(`sluice_limit{${configured('requests per 60 s')}} 600`)
  expect(lines).toContain(`sluice_limit{${configured('requests per 86400 s')}} 5000`)
  expect(lines).toContain('sluice_model_in_flight{lane="fast",model="m",unit="requests"} 2')
  expect(lines).toContain('sluice_model_in_flight{lane="fast",model="m",unit="tokens"} 126')
  expect(lines).toContain('sluice_token_cost_factor{lane="fast",model="m"} 0.5')
  const reason = 'reason="The provider refused a call (429) and its wait is not over."'
  expect(lines).toContain(`sluice_waits{lane="fast",model="m",${reason}} 1`)
  const held = Number(/sluice_held_seconds\{lane="fast",model="m"\} (\S+)/.exec(text)?.[1])
  expect(held).toBeGreaterThan(0)
  expect(held).toBeLessThanOrEqual(100)
})
