import { countTokens } from './count-tokens.ts'
import { splitText } from './split-text.ts'
import type { TextLimits } from './text-splitter.ts'

/** What a thread of the splitter runs. */
export default ({ text, limits }: { text: string; limits: TextLimits }): { start: number; end: number }[] =>
  splitText(text, { ...limits, countTokens }).map(({ start, end }) => ({ start, end }))
