import { invalidRequest, SluiceError } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import { parseInTurns } from '@sluice/contract/parse-in-turns'
import type { BodyType, Route } from '@sluice/contract/route'
import { type RouteName, routes } from '@sluice/contract/routes'
import type { Express, Request, RequestHandler, Response } from 'express'
import type { z } from 'zod'
import { createTurns } from '../gate/turns.ts'
import { bodyTypeOf } from './read-body.ts'

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
/** A route that accepts only streams has its query parameters there. */
type QueryOf<R> = R extends { query: infer Q }
  ? Q
  : R extends { body: unknown }
    ? undefined
    : R extends { lines: { query: infer Q } }
      ? Q
      : undefined
type RouteOf<Name extends RouteName> = (typeof routes)[Name] & Route

interface Context<Name extends RouteName> {
  readonly params: Readonly<Record<string, string>>
  readonly query: Parsed<QueryOf<RouteOf<Name>>>
  /** Only of a `json` body. Lines and forms are read by the handler, from `req`. */
  readonly body: Parsed<RouteOf<Name>['body']>
  readonly bodyType: BodyType
  readonly req: Request
  readonly res: Response
}

/** Returns a JSON answer, or 'written' after it has sent the answer itself. */
type Handler<Name extends RouteName> = (
  context: Context<Name>,
) => Promise<{ status: number; body: unknown; headers?: Readonly<Record<string, string>> } | 'written'>
export type Handlers = { readonly [Name in RouteName]: Handler<Name> }

/** Mounts every route of the contract with parsed body and query, and rejects other methods on its paths. */
export function mount(app: Express, handlers: Handlers, readBody: (route: Route) => RequestHandler): void {
  const methods = new Map<string, string[]>()
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()])
    const handle = handlers[name as RouteName] as Handler<RouteName>
    app[route.method](path, readBody(route), async (req, res) => {
      const bodyType = bodyTypeOf(route, req) ?? 'json'
      const answer = await handle({
        params: req.params as Record<string, string>,
        query: parseQuery(route, bodyType, req),
        body: bodyType === 'json' ? await parseBody(route, req) : undefined,
        bodyType,
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

function parseQuery(route: Route, bodyType: BodyType, req: Request): unknown {
  if (route.lines !== undefined && route.body === undefined) return parse(route.lines.query, req.query)
  // The query holds the options of the batch: its handler parses them together with the lines.
  if (bodyType === 'lines') return req.query
  if (route.query !== undefined) return parse(route.query, req.query)
  const [unknown] = Object.keys(req.query)
  if (unknown === undefined) return undefined
  throw invalidRequest('invalid_request', `${unknown}: This route takes no query parameters.`, unknown)
}

async function parseBody(route: Route, req: Request): Promise<unknown> {
  if (route.body === undefined) return undefined
  if (req.body === undefined && route.bodyOptional !== true) {
    throw invalidRequest('missing_body', 'The request has no body: send JSON, with content-type: application/json.')
  }
  return parseInTurns(route.body, req.body ?? {}, createTurns())
}
