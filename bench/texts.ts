const subjects = [
  'delivery',
  'invoice',
  'login',
  'refund',
  'battery',
  'screen',
  'subscription',
  'shipment',
  'password',
  'headset',
]
const openings = ['Hello team,', 'Good morning,', 'To whom it may concern,', 'Hi there,', 'Dear support,']
const moods = [
  'I am quite unhappy',
  'we are satisfied',
  'it is urgent',
  'please take your time',
  'this is the third time I write',
]

/** Texts of about 300 characters, each different, like messages in an inbox. The same numbers give the same texts. */
export function texts(count: number, seed = 1): string[] {
  let state = seed
  const pick = <T>(from: readonly T[]): T => {
    // Numerical Recipes' linear congruential generator: good enough to vary words.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return from[Math.floor((state / 2 ** 32) * from.length)]!
  }
  return Array.from({ length: count }, (_, i) => {
    const subject = pick(subjects)
    return `${pick(openings)} my name is ${pick(['John', 'Mary', 'Ana', 'Li', 'Omar', 'Kim'])} and I am ${20 + (i % 60)} years old. About the ${subject} of order ${100_000 + i}: ${pick(moods)} because the ${pick(subjects)} did not work as described on ${1 + (i % 28)} March, and the ${pick(subjects)} cost ${((i * 7) % 900) + 10}.${10 + (i % 89)} EUR. Please answer to customer${i}@example.com.`
  })
}
