import { describe, expect, it } from 'vitest'
import { drafts, runSuite, vendoredSuite } from '../report/run-suite.ts'

describe('JSON-Schema-Test-Suite', () => {
  for (const draft of Object.keys(drafts) as (keyof typeof drafts)[]) {
    it(`${draft}: each required test is right, or its schema is refused by name`, () => {
      const tests = runSuite(vendoredSuite(), draft, 'required')
      expect(tests.filter(({ outcome }) => outcome === 'wrong')).toEqual([])
      expect(tests.filter(({ outcome }) => outcome === 'right').length).toBeGreaterThan(0.9 * tests.length)
    })

    it(`${draft}: each test of formats is right`, () => {
      const tests = runSuite(vendoredSuite(), draft, 'format')
      expect(tests.filter(({ outcome }) => outcome !== 'right')).toEqual([])
      expect(tests.length).toBeGreaterThan(100)
    })

    it(`${draft}: each optional test is right, or the door names what is not checked`, () => {
      const tests = runSuite(vendoredSuite(), draft, 'optional')
      expect(
        tests.filter(({ outcome, file }) => outcome === 'wrong' && !file.endsWith('zeroTerminatedFloats.json')),
      ).toEqual([])
      expect(tests.length).toBeGreaterThan(90)
    })
  }
})
