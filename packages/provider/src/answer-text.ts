/** Blocks in which a model thinks. The objects in them are drafts. */
const thoughtNames =
  'think|thinking|thought|thoughts|thought_process|antthinking|reasoning|reflection|scratchpad|seed:think'
/** `<think>`, also with attributes; `[THINK]` of Mistral; `◁think▷` of Kimi; `<|START_THINKING|>` of Cohere; `<|begin_of_thought|>`. */
const thoughtTag = new RegExp(
  [
    `<(/?)(?:${thoughtNames})(?:\\s[^<>]{0,200})?>`,
    '\\[(/?)THINK\\]',
    '◁(/?)think▷',
    '<\\|(?:START|(END))_THINKING\\|>',
    '<\\|(?:begin|(end))_of_thought\\|>',
  ].join('|'),
  'gi',
)
const beginsWithProse = /^(?:\[THINK\]|[^{[])/i
/** The last channel of an answer that is written in OpenAI's harmony format. */
const finalChannel = '<|channel|>final<|message|>'

/** The part of an answer in which its JSON is: outside of thoughts, quote marks of Markdown and a code fence around everything. */
export function answerText(text: string): string {
  // In an answer that begins with its JSON, a tag may be in one of its strings.
  if (!beginsWithProse.test(text)) return text
  const final = text.lastIndexOf(finalChannel)
  return insideFence(withoutQuoteMarks(withoutThoughts(final === -1 ? text : text.slice(final + finalChannel.length))))
}

export function hasThoughts(text: string): boolean {
  return text.search(thoughtTag) !== -1
}

/** The text outside of blocks of thought. The opening tag may be missing: some servers send only what follows it. */
export function withoutThoughts(text: string): string {
  let start = 0
  let end = text.length
  for (const tag of text.matchAll(thoughtTag)) {
    if (tag.slice(1).some(Boolean)) {
      start = tag.index + tag[0].length
      end = text.length
    } else if (end === text.length) end = tag.index
  }
  return text.slice(start, end).trim()
}

/** What is in the code fence, where the text is nothing but one. */
function insideFence(text: string): string {
  if (!text.startsWith('```') || !text.endsWith('```') || text.length < 6) return text
  const line = text.indexOf('\n')
  const content = line === -1 ? text.slice(3, -3).replace(/^json\b/i, '') : text.slice(line + 1, -3)
  return content.trim()
}

/** A block quote of Markdown: each line begins with `>`. */
function withoutQuoteMarks(text: string): string {
  if (!text.startsWith('>')) return text
  const lines = text.split('\n')
  return lines.every((line) => line.startsWith('>'))
    ? lines
        .map((line) => line.replace(/^> ?/, ''))
        .join('\n')
        .trim()
    : text
}

export function hasEscapedQuotes(text: string): boolean {
  return text.includes('\\"') && /[{[](?:\s|\\n){0,20}\\"/.test(text)
}

/** A whole answer with escaped quotes, as `{\"a\": 1}`. */
export function unescape(text: string): string | null {
  try {
    return JSON.parse(`"${text.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`) as string
  } catch {
    return null
  }
}
