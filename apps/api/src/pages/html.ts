/** Text inside an element or an attribute: everything from outside goes through it. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A page of this server. `body` is HTML, `title` is text. */
export function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>${escapeHtml(title)}</title>
    <meta name="viewport" content="width=device-width" />
    <meta name="color-scheme" content="light dark" />
    <link rel="stylesheet" href="/page.css" />
    <link rel="icon" href="data:," />
  </head>
  <body>
${body}
  </body>
</html>
`
}

export const pageStyle = `body { font: 1.1rem/1.6 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem }
form p { margin: 0.8rem 0 }
input, button { font: inherit; padding: 0.4rem 0.6rem }
input { width: 100%; box-sizing: border-box }
.error { border-left: 0.3rem solid #c33; padding-left: 0.8rem }
.quiet { opacity: 0.75; font-size: 0.9rem }
`
