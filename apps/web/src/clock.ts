import { signal } from '@preact/signals'

/** The time for what is shown as "5 min ago", and for waits that end. */
export const nowMs = signal(Date.now())

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) nowMs.value = Date.now()
  }, 1_000)
}
