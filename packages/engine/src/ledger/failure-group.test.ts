import type { FailureType } from '@sluice/contract/result'
import { processorSlowdown, threadMs } from '../../../../test/support/processor-time.ts'
import { fc } from '../../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { failureGroup } from './failure-group.ts'

const group = (message: string, type: FailureType = 'invalid_output') => failureGroup({ type, message })

describe('failures are in one group where only the item differs', () => {
  test.each<[string, FailureType, string, string]>([
    [
      'the place in a list, and what came',
      'invalid_output',
      '/lines/1/kind: must be one of ["good","service"]; got "goods"',
      '/lines/20/kind: must be one of ["good","service"]; got {"a":1}\n/x: must be string; got 1',
    ],
    ['the part of a text', 'invalid_output', 'Part 1 of 3: /a: must be string; got 1', '/a: must be string; got true'],
    [
      'numbers and times',
      'unavailable',
      'HTTP 503: try again in 1.5 s, at 12:03:59',
      'HTTP 503: try again in -20 s, at 1:00:00',
    ],
    [
      'ids',
      'rejected',
      'HTTP 400 Request req_011CTxyz99 failed (b7c1f0de-0000-4000-8000-123456789abc)',
      'HTTP 400 Request req_a82bcTxyz9 failed (00000000-1111-4000-8000-123456789abc)',
    ],
    ['quoted values', 'rejected', `The name 'Ann Lee' is not "ok"`, `The name 'B' is not "fine, at \\"all\\""`],
    [
      'paths and addresses',
      'unreadable',
      'cannot read /tmp/a/b.pdf of https://x.org/a?b=1',
      'cannot read /var/c.txt of http://y',
    ],
  ])('%s', (_, type, one, other) => {
    expect(group(one, type)).toEqual(group(other, type))
  })
})

describe('failures are in different groups', () => {
  test.each([
    ['of different fields', '/a: must be string; got 1', '/b: must be string; got 1'],
    ['of different missing properties', '/: must have the property "a"', '/: must have the property "b"'],
    ['of different status', 'HTTP 500 down', 'HTTP 503 down'],
  ])('%s', (_, one, other) => {
    expect(group(one).id).not.toBe(group(other).id)
  })

  test('of different types', () => {
    expect(group('no', 'refused').id).not.toBe(group('no', 'filtered').id)
  })
})

test('a group names the field at fault', () => {
  expect(group('/lines/3/kind: must be string; got 1')).toMatchObject({
    path: '/lines/*/kind',
    message: 'must be string',
  })
  expect(group('/lines/3: must have the property "full name"')).toMatchObject({ path: '/lines/*/full name' })
  expect(group('/: must have the property "a"')).toMatchObject({ path: '/a', message: 'must be there' })
  expect(group('/: must not have the property "extra"')).toMatchObject({ path: '/' })
  expect(group("I can't: that's private", 'refused')).toMatchObject({ path: null, message: "I can't: that's private" })
})

test('a group is bounded and quick for any message', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 3_000, unit: 'binary' }), (message) => {
      const { id, path, message: common } = group(message)
      expect(id).toMatch(/^[0-9a-f]{12}$/)
      expect((path ?? '').length).toBeLessThanOrEqual(200)
      expect(common.length).toBeLessThanOrEqual(300)
    }),
  )
  const ms = threadMs(() => {
    for (const part of ['"', "'", ' /', 'a1_', '1.', '/a: ', '\\"', ': ', ' "…",']) group(part.repeat(1_000_000))
  })
  expect(ms).toBeLessThan(1_000 * processorSlowdown())
})
