import { expect, test } from 'vitest'
import { bytes, duration, durationRange, money, rate, shownPercent, since } from './format.ts'

test.each([
  [0, '$0'],
  [0.0000421, '$0.000042'],
  [0.0042, '$0.0042'],
  [0.5, '$0.50'],
  [3.1, '$3.10'],
  [1_204.4, '$1,204'],
])('an amount of %d dollars is shown as %s', (usd, shown) => expect(money(usd)).toBe(shown))

test.each([
  [0, '0 s'],
  [0.4, '<1 s'],
  [4.25, '4.3 s'],
  [59.6, '60 s'],
  [125, '2 min 5 s'],
  [3_599, '60 min'],
  [7_500, '2 h 5 min'],
  [187_200, '2 d 4 h'],
])('%d seconds are shown as %s', (seconds, shown) => expect(duration(seconds)).toBe(shown))

test.each([
  [{ p50: 0.1, p90: 0.2 }, 'a moment'],
  [{ p50: 20, p90: 45 }, '20 to 45 s'],
  [{ p50: 181, p90: 277 }, '3 to 4.5 min'],
  [{ p50: 7_200, p90: 7_300 }, 'about 2 h'],
  [{ p50: 172_800, p90: 345_600 }, '2 to 4 d'],
])('a range of %j is shown in one unit', (eta, shown) => expect(durationRange(eta)).toBe(shown))

test('a batch is at 100 % only when nothing is left', () => {
  expect([shownPercent(999_999, 1_000_000), shownPercent(1_000_000, 1_000_000), shownPercent(1, 1_000_000)]).toEqual([
    '99%',
    '100%',
    '<1%',
  ])
})

test('rates, sizes and times ago are short', () => {
  expect([rate(0), rate(0.05), rate(9.84), rate(1_234)]).toEqual(['0/s', '3/min', '9.8/s', '1.2K/s'])
  expect([bytes(999), bytes(1_500), bytes(2_000_000)]).toEqual(['999 B', '1.5 KB', '2.0 MB'])
  expect([since(100, 102_000), since(100, 400_000)]).toEqual(['just now', '5 min ago'])
})
