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
    <main>
${body}
    </main>
  </body>
</html>
`
}

export const pageStyle = `:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { margin: 0; background: light-dark(#f6f7f9, #121418); color: light-dark(#1b1f26, #e4e7ec) }
main { box-sizing: border-box; width: min(26rem, 100% - 2rem); margin: 14vh auto 2rem; padding: 2rem; border: 1px solid light-dark(#dfe3e8, #2d323c); border-radius: 12px; background: light-dark(#fff, #1a1d23) }
h1 { margin: 0 0 1rem; font-size: 1.5rem }
form p { margin: 0.9rem 0 }
label { display: block; font-weight: 500; margin-bottom: 0.25rem }
input, button { font: inherit; color: inherit; padding: 0.5rem 0.75rem; border: 1px solid light-dark(#8b95a3, #6a7484); border-radius: 6px; background: transparent }
input { width: 100%; box-sizing: border-box }
button { background: light-dark(#2152cc, #3563d9); border-color: transparent; color: #fff; font-weight: 500; cursor: pointer }
a { color: light-dark(#2152cc, #86aaff) }
:focus-visible { outline: 2px solid light-dark(#2152cc, #86aaff); outline-offset: 1px }
.error { border-left: 0.25rem solid #c33; padding-left: 0.8rem }
.quiet { color: light-dark(#566070, #9ba5b4); font-size: 0.9rem; margin-bottom: 0 }
`
