import { renderPage } from './html.ts'

/** What a person sees who opens the server's address in a browser. */
export function homePage({ secured }: { secured: boolean }): string {
  return renderPage(
    'Sluice',
    `    <h1>Sluice</h1>
    <p>Texts and a schema in, validated structured data out.</p>
    <ul>
      <li><a href="/queues">Queues</a>: batches and summaries with their progress, and the items that run now</li>
      <li><a href="/docs">API</a>: every route, to read and to try (<a href="/openapi.json">OpenAPI</a>)</li>
      <li><a href="/v1/batches">Batches</a>, newest first</li>
    </ul>
${secured ? '    <form method="post" action="/logout"><button>Log out</button></form>\n' : ''}`,
  )
}
