import Bottleneck from 'bottleneck'
import { atOnce, type Told } from '../system.ts'
import { runInChild } from './in-child.ts'

/** It looks every 250 ms whether so much time has passed, and loses the rest: an increase each 250 ms came to three quarters of the limit. */
const increaseMs = 5_000

/** A limit of each second by an even pace, a longer one by a reservoir that fills as the provider's bucket does. */
await runInChild({}, async ({ texts, told, ask }) => {
  const limiter = new Bottleneck({
    maxConcurrent: atOnce,
    ...(told.burst > told.perSecond ? reservoir(told) : pace(told)),
  })
  await Promise.all(texts.map((_, index) => limiter.schedule(() => ask(index)).catch(() => {})))
})

function pace({ perSecond }: Told): Bottleneck.ConstructorOptions {
  return { minTime: 1_000 / perSecond }
}

function reservoir({ perSecond, burst }: Told): Bottleneck.ConstructorOptions {
  return {
    reservoir: burst,
    reservoirIncreaseAmount: (perSecond * increaseMs) / 1_000,
    reservoirIncreaseInterval: increaseMs,
    reservoirIncreaseMaximum: burst,
  }
}
