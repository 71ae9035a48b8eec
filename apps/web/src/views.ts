/** The views of the page by their path. The server answers each with the page; the page shows the view. */
export const viewPaths = {
  batches: '/',
  newBatch: '/new',
  batch: '/batches/:id',
  items: '/batches/:id/items',
  item: '/batches/:id/items/:index',
  lanes: '/lanes',
  extractors: '/extractors',
  extractor: '/extractors/:name',
  summaries: '/summaries',
  summary: '/summaries/:id',
} as const

export type ViewName = keyof typeof viewPaths
