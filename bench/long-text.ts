const subjects = [
  'the harbour authority',
  'the northern terminal',
  'the city council',
  'the shipping line',
  'the customs office',
  'the union of dockers',
  'the pilot service',
  'the railway company',
  'the insurance office',
  'the school of navigation',
]
const verbs = [
  'extended',
  'reviewed',
  'measured',
  'opened',
  'closed',
  'financed',
  'inspected',
  'replaced',
  'doubled',
  'described',
]
const objects = [
  'the eastern pier',
  'its fleet of tugs',
  'the storage halls',
  'the loading cranes',
  'the tariff for small vessels',
  'the night shift',
  'the cold store',
  'the signal tower',
  'the ferry timetable',
  'the deep water channel',
]
const reasons = [
  'because the traffic of containers had grown faster than was planned',
  'after two winters in which the ice came early',
  'so that larger ships can turn without help',
  'although the costs were higher than the first estimate',
  'as the report of the year before had recommended',
  'while the works on the bridge went on',
  'before the new rules on emissions came into force',
]

/** A report with this number of pages of about 500 words, each page different. The same number gives the same text. */
export function longPages(pages: number, seed = 1): string[] {
  let state = seed
  const pick = <T>(from: readonly T[]): T => {
    // Numerical Recipes' linear congruential generator: good enough to vary words.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return from[Math.floor((state / 2 ** 32) * from.length)]!
  }
  const sentence = (page: number, number: number) => {
    const subject = pick(subjects)
    return `In section ${page}.${number} ${subject} ${pick(verbs)} ${pick(objects)} ${pick(reasons)}, and ${pick(subjects)} ${pick(verbs)} ${pick(objects)}.`
  }
  return Array.from({ length: pages }, (_, page) => {
    const paragraphs = Array.from({ length: 4 }, (_, paragraph) =>
      Array.from({ length: 5 }, (_, at) => sentence(page + 1, paragraph * 5 + at + 1)).join(' '),
    )
    return [`Page ${page + 1}.`, ...paragraphs].join('\n\n')
  })
}

export function longText(pages: number): string {
  return longPages(pages).join('\n\n')
}
