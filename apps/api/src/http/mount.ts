import { invalidRequest, SluiceError } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import { parseInTurns } from '@sluice/contract/parse-in-turns'
import { type Route, type RouteName, routes } from '@sluice/contract/routes'
import type { Express, Request, RequestHandler, Response } from 'express'
import type { z } from 'zod'
import { createTurns } from '../gate/turns.ts'

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
/** A route that takes nothing but a stream has its query there. */
type QueryOf<R> = R extends { query: infer Q }
  ? Q
  : R extends { body: unknown }
    ? undefined
    : R extends { upload: { query: infer Q } }
      ? Q
      : undefined
type RouteOf<Name extends RouteName> = (typeof routes)[Name] & Route

export interface Context<Name extends RouteName> {
  readonly params: Readonly<Record<string, string>>
  readonly query: Parsed<QueryOf<RouteOf<Name>>>
  readonly body: Parsed<RouteOf<Name>['body']>
  readonly req: Request
  readonly res: Response
}

/** Answers with JSON, or has written the answer itself. */
export type Handler<Name extends RouteName> = (
  context: Context<Name>,
) => Promise<{ status: number; body: unknown; headers?: Readonly<Record<string, string>> } | 'written'>
export type Handlers = { readonly [Name in RouteName]: Handler<Name> }

/** Mounts every route of the contract, body and query parsed, and refuses other methods on its paths. */
export function mount(app: Express, handlers: Handlers, readBody: RequestHandler): void {
  const methods = new Map<string, string[]>()
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = toExpressPath(route.path)
    methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()])
    const handle = handlers[name as RouteName] as Handler<RouteName>
    app[route.method](path, readBody, async (req, res) => {
      const answer = await handle({
        params: req.params as Record<string, string>,
        query: parseQuery(route, req),
        body: await parseBody(route, req),
        req,
        res,
      } as Context<RouteName>)
      if (answer !== 'written')
        res
          .status(answer.status)
          .set(answer.headers ?? {})
          .json(answer.body)
    })
  }
  for (const [path, allowed] of methods) {
    const allow = [...allowed, ...(allowed.includes('GET') ? ['HEAD'] : [])].join(', ')
    app.all(path, (req, res) => {
      res.set('allow', allow)
      throw new SluiceError(
        'invalid_request_error',
        'method_not_allowed',
        `${req.path} takes ${allow}, not ${req.method}.`,
      )
    })
  }
}

export function toExpressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

function parseQuery(route: Route, req: Request): unknown {
  if (route.upload !== undefined && route.body === undefined) return parse(route.upload.query, req.query)
  if (isStreamedUpload(req)) return req.query
  if (route.query !== undefined) return parse(route.query, req.query)
  const [unknown] = Object.keys(req.query)
  if (unknown === undefined) return undefined
  throw invalidRequest('invalid_request', `${unknown}: This route takes no query parameters.`, unknown)
}

async function parseBody(route: Route, req: Request): Promise<unknown> {
  if (route.body === undefined || readsBodyItself(req)) return undefined
  if (req.body === undefined && route.bodyOptional !== true) {
    throw invalidRequest('missing_body', 'The request has no body: send JSON, with content-type: application/json.')
  }
  return parseInTurns(route.body, req.body ?? {}, createTurns())
}

const documentsPath = /^\/v1\/(batches(\/estimate|\/[^/]+\/items)?|summaries)$/

/** Its handler reads the body itself: a form with documents. */
export function isDocumentUpload(req: Request): boolean {
  return (
    req.method === 'POST' && documentsPath.test(req.path) && req.is('multipart/form-data') === 'multipart/form-data'
  )
}

export function readsBodyItself(req: Request): boolean {
  return isStreamedUpload(req) || isDocumentUpload(req)
}

const streamedPath = /^\/v1\/batches(\/estimate|\/[^/]+\/items)?$/

/** Its handler reads the body itself, line by line, and its options from the query. */
export function isStreamedUpload(req: Request): boolean {
  return (
    req.method === 'POST' && streamedPath.test(req.path) && req.is('application/x-ndjson') === 'application/x-ndjson'
  )
}
