/** A problem that the user can fix. `start` prints the message and exits with 1; any other exception is a bug. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
