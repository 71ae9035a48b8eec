import { signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'
const themes: readonly Theme[] = ['system', 'light', 'dark']
/** first-theme.ts reads it before the first paint. */
const stored = 'sluice-theme'

const kept = localStorage.getItem(stored)
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system')

/** From the system's theme to light, to dark, and back. */
export function nextTheme(): void {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length]!
  theme.value = next
  if (next === 'system') {
    localStorage.removeItem(stored)
    delete document.documentElement.dataset['theme']
  } else {
    localStorage.setItem(stored, next)
    document.documentElement.dataset['theme'] = next
  }
}
