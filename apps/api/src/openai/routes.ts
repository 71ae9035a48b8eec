import type { Request, Response } from 'express'

/** Returns the answer as JSON, or 'written' after it has sent the answer itself. */
type Handler = (req: Request, res: Response) => Promise<object | 'written'>

/** By method and path, as `get /files/:id`. */
export type OpenAiRoutes = Readonly<Record<string, Handler>>

/** The id in the path of a request. */
export function idOf(req: Request): string {
  const { id } = req.params
  return typeof id === 'string' ? id : ''
}
