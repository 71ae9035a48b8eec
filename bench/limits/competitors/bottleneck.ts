import Bottleneck from 'bottleneck'
import { atOnce, type KnownLimit } from '../system.ts'
import { runInChild } from './in-child.ts'

/** It looks every 250 ms whether so much time has passed, and loses the rest: an increase each 250 ms came to three quarters of the limit. */
const increaseMs = 5_000

/** A limit of each second by an even pace, a longer one by a reservoir that fills as the provider's bucket does. */
await runInChild({}, async ({ texts, known, ask }) => {
  const limiter = new Bottleneck({
    maxConcurrent: atOnce,
    ...(known.burst > known.perSecond ? reservoir(known) : pace(known)),
  })
  await Promise.all(texts.map((_, index) => limiter.schedule(() => ask(index)).catch(() => {})))
})

function pace({ perSecond }: KnownLimit): Bottleneck.ConstructorOptions {
  return { minTime: 1_000 / perSecond }
}

function reservoir({ perSecond, burst }: KnownLimit): Bottleneck.ConstructorOptions {
  return {
    reservoir: burst,
    reservoirIncreaseAmount: (perSecond * increaseMs) / 1_000,
    reservoirIncreaseInterval: increaseMs,
    reservoirIncreaseMaximum: burst,
  }
}
