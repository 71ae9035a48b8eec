import { html } from 'htm/preact'

const words: Readonly<Record<string, string>> = {
  uploading: 'Uploading',
  in_progress: 'Running',
  paused: 'Paused',
  cancelling: 'Cancelling',
  completed: 'Completed',
  cancelled: 'Cancelled',
  failed: 'Failed',
  succeeded: 'Succeeded',
  waiting: 'Waiting',
  running: 'Running',
  extracted: 'Extracted',
}

export function statusWord(status: string): string {
  return words[status] ?? status
}

/** A status in a word and a colour, never in a colour alone. */
export function Status({ status, bad = false }: { status: string; bad?: boolean }) {
  return html`<span class="status" data-status=${bad ? 'failed' : status}>${statusWord(status)}</span>`
}
