/** What a person sees who opens the server's address in a browser. */
export const homePage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Sluice</title>
    <meta name="viewport" content="width=device-width" />
    <style>body { font: 1.1rem/1.6 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem }</style>
  </head>
  <body>
    <h1>Sluice</h1>
    <p>Texts and a schema in, validated structured data out.</p>
    <ul>
      <li><a href="/queues">Queues</a>: batches and summaries with their progress, items that run now</li>
      <li><a href="/docs">API</a>: every route, to read and to try (<a href="/openapi.json">OpenAPI</a>)</li>
      <li><a href="/v1/batches">Batches</a>, newest first</li>
    </ul>
  </body>
</html>
`
