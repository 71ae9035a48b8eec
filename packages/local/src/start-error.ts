/** Something the user can mend. `start` prints the message, one line, and exits 1; anything else that is thrown is a bug. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
