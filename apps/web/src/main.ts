import { effect } from '@preact/signals'
import { html, render } from 'htm/preact'
import { BatchView } from './batches/batch-view.ts'
import { BatchesView } from './batches/batches-view.ts'
import { startClock } from './clock.ts'
import { QuestionDialog } from './elements/dialog.ts'
import { Notices } from './elements/notice.ts'
import { ExtractorView } from './extractors/extractor-view.ts'
import { ExtractorsView } from './extractors/extractors-view.ts'
import { PageHeader } from './header.ts'
import { LanesView } from './lanes/lanes-view.ts'
import { follow, startLive } from './live.ts'
import { NewBatchView } from './new-batch/new-batch-view.ts'
import { followLinks, place } from './router.ts'
import { SessionDialog } from './session.ts'
import { SummariesView } from './summaries/summaries-view.ts'
import { SummaryView } from './summaries/summary-view.ts'

function View() {
  const { view, params } = place.value
  switch (view) {
    case 'batches':
      return html`<${BatchesView} />`
    case 'newBatch':
      return html`<${NewBatchView} />`
    case 'batch':
    case 'items':
    case 'item':
      return html`<${BatchView} key=${params['id']} id=${params['id']} />`
    case 'lanes':
      return html`<${LanesView} />`
    case 'extractors':
      return html`<${ExtractorsView} />`
    case 'extractor':
      return html`<${ExtractorView} key=${params['name']} name=${params['name']} />`
    case 'summaries':
      return html`<${SummariesView} />`
    case 'summary':
      return html`<${SummaryView} key=${params['id']} id=${params['id']} />`
    case 'unknown':
      return html`<div class="empty">
        <h1>There is no such page</h1>
        <p><a href="/">All batches</a></p>
      </div>`
    default:
      return view satisfies never
  }
}

function Page() {
  return html`<a class="skip" href="#main">Skip to content</a>
    <${PageHeader} />
    <main id="main" tabindex="-1"><${View} /></main>
    <${QuestionDialog} />
    <${SessionDialog} />
    <${Notices} />`
}

followLinks()
startClock()
startLive()
effect(() => {
  const { view, params } = place.value
  follow(view === 'batch' || view === 'items' || view === 'item' ? params['id']! : null)
})
render(html`<${Page} />`, document.getElementById('page')!)
