export interface Library {
  /** As modules import it. */
  readonly name: string
  /** Its file below node_modules. */
  readonly file: string
  /** Files that it imports by relative paths, and style sheets. */
  readonly more?: readonly string[]
  /** `start`: every view needs it, so the browser loads it with the page. `later`: one view imports it when it is opened. */
  readonly load: 'start' | 'later'
}

/** The packages that the page imports, as the browser loads them: ES modules that nothing has changed. */
export const libraries: readonly Library[] = [
  { name: 'preact', file: 'preact/dist/preact.mjs', load: 'start' },
  { name: 'preact/hooks', file: 'preact/hooks/dist/hooks.mjs', load: 'start' },
  { name: 'htm', file: 'htm/dist/htm.module.js', load: 'start' },
  { name: 'htm/preact', file: 'htm/preact/index.module.js', load: 'start' },
  { name: '@preact/signals-core', file: '@preact/signals-core/dist/signals-core.module.js', load: 'start' },
  { name: '@preact/signals', file: '@preact/signals/dist/signals.module.js', load: 'start' },
  { name: 'uplot', file: 'uplot/dist/uPlot.esm.js', more: ['uplot/dist/uPlot.min.css'], load: 'later' },
  { name: '@humanwhocodes/momoa', file: '@humanwhocodes/momoa/dist/momoa.js', load: 'later' },
  { name: 'csv-parse/browser/esm', file: 'csv-parse/dist/esm/index.js', load: 'later' },
  {
    name: 'diff/lib/diff/line.js',
    file: 'diff/libesm/diff/line.js',
    more: ['diff/libesm/diff/base.js', 'diff/libesm/util/params.js'],
    load: 'later',
  },
]
