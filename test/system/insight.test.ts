import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { people, person, startSystem } from '../support/system.ts'

test('the failures of a batch are seen in groups, one group is retried, and what is bad is refused with the field and the fix', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
  await system.simulator.set('faults', { rates: { refusal: 1 } })
  const { id } = await system.submit(people(30), { name: 'people.csv', metadata: { team: 'blue' } })
  await system.until(id, ({ status }) => status === 'completed')
  const { body: errors } = await system.request('GET', `/v1/batches/${id}/errors`)
  expect(errors).toMatchObject({ object: 'list', other_count: 0, data: [{ type: 'refused', path: null, count: 30 }] })
  const [group] = errors.data
  const { body: rows } = await system.request('GET', `/v1/batches/${id}/items?error_group=${group.id}&limit=2&after=10`)
  expect(rows).toMatchObject({ has_more: true, next: '12', data: [{ index: 11, status: 'failed' }, { index: 12 }] })
  const { body: item } = await system.request('GET', `/v1/batches/${id}/items/11`)
  expect(item).toMatchObject({
    index: 11,
    text: people(12)[11],
    attempts: [{ outcome: 'refused', reason: group.sample.message }],
  })

  const retry = `/v1/batches/${id}/retry`
  const { body: preview } = await system.request('POST', retry, { error_group: group.id, dry_run: true })
  expect(preview).toMatchObject({ retried: 30, dry_run: true, estimate: { cost_usd: null } })
  expect(preview.estimate.input_tokens).toBeGreaterThan(30 * 20)
  await system.simulator.set('faults', { rates: {} })
  expect((await system.request('POST', retry, { error_group: group.id })).body).toMatchObject({
    retried: 30,
    estimate: null,
  })
  await system.until(id, ({ status, counts }) => status === 'completed' && counts.succeeded === 30)
  expect((await system.request('GET', `/v1/batches/${id}/errors`)).body).toMatchObject({ data: [], other_count: 0 })
  const { body: line } = await system.request('GET', `/v1/batches/${id}/timeline`)
  expect(line.events.map(({ type }: { type: string }) => type)).toEqual(
    expect.arrayContaining(['created', 'started', 'retried', 'completed']),
  )
  expect(line.samples.at(-1)).toMatchObject({ succeeded: 30, failed: 0 })

  for (const [method, path, body, param] of [
    ['GET', `/v1/batches/${id}/items?from=1&after=2`, undefined, 'from'],
    ['GET', `/v1/batches/${id}/items?after=-1`, undefined, 'after'],
    ['GET', `/v1/batches/${id}/items?limit=501`, undefined, 'limit'],
    ['GET', `/v1/batches/${id}/items?status=done`, undefined, 'status'],
    ['GET', `/v1/batches/${id}/items?status=waiting&error_type=refused`, undefined, 'status'],
    ['GET', `/v1/batches/${id}/items?error_group=x`, undefined, 'error_group'],
    ['GET', `/v1/batches/${id}/items/first`, undefined, 'index'],
    ['POST', retry, { error_group: 'none' }, 'error_group'],
    ['GET', '/v1/batches?search=', undefined, 'search'],
    ['GET', '/v1/batches?lane=a/b', undefined, 'lane'],
    ['GET', '/v1/batches?extractor=a@b', undefined, 'extractor'],
    ['GET', `/v1/batches/${id}/results?format=xml`, undefined, 'format'],
    ['GET', '/v1/extractors/person/versions?before=0', undefined, 'before'],
    ['GET', '/v1/events?batch=', undefined, 'batch'],
    ['POST', '/v1/batches', { extractor: person, items: ['a'], name: 'x'.repeat(201) }, 'name'],
  ] as const) {
    const refused = await system.request(method, path, body)
    expect([path, refused.status, refused.body.error.param]).toEqual([path, 400, param])
    expect(refused.body.error.message).toMatch(new RegExp(`^${param}: .{10,}`))
  }
  expect((await system.request('GET', `/v1/batches/${id}/items/30`)).body.error.code).toBe('item_not_found')
  expect((await system.request('GET', '/v1/events?batch=batch_none')).body.error.code).toBe('batch_not_found')
  const { body: found } = await system.request('GET', '/v1/batches?search=BLUE')
  expect(found.data).toMatchObject([{ id, name: 'people.csv' }])
})

test('results are downloaded as CSV, all or the failed ones, with a column for each value', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
  const items = people(5).map((text, i) => ({ id: i === 2 ? '=row' : `row ${i}`, text, metadata: { page: i } }))
  const { body: batch } = await system.request('POST', '/v1/batches', { extractor: person, items })
  await system.until(batch.id, ({ status }) => status === 'completed')
  const read = async (query: string) => {
    const response = await fetch(`${system.url}/v1/batches/${batch.id}/results?format=csv${query}`)
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename=${batch.id}.csv`)
    return parse<Record<string, string>>(await response.text(), { columns: true })
  }
  const rows = await read('')
  expect(rows).toHaveLength(5)
  const results = await system.results(batch.id)
  for (const [i, row] of rows.entries()) {
    const data = results[i]!.data as { name: string; age: number }
    expect(row).toMatchObject({
      index: String(i),
      status: 'succeeded',
      name: data.name,
      age: String(data.age),
      'metadata.page': String(i),
    })
  }
  expect(rows[2]?.['id']).toBe("'=row")
  expect((await read('&formulas=keep'))[2]?.['id']).toBe('=row')
  expect(await read('&status=failed')).toEqual([])
  const lines = await fetch(`${system.url}/v1/batches/${batch.id}/results?format=ndjson`)
  expect(lines.headers.get('content-disposition')).toContain('.ndjson')
})

test('the versions of an extractor are listed, the newest first', async () => {
  const system = await startSystem()
  for (const instructions of ['one', 'two', 'three'])
    await system.request('POST', '/v1/extractors', { name: 'person', ...person, instructions })
  const list = async (query: string) => (await system.request('GET', `/v1/extractors/person/versions${query}`)).body
  const first = await list('?limit=2')
  expect(first).toMatchObject({
    has_more: true,
    next: 2,
    data: [{ version: 3, instructions: 'three' }, { version: 2 }],
  })
  expect(await list('?limit=2&before=2')).toMatchObject({ has_more: false, next: null, data: [{ version: 1 }] })
  expect(await list('?before=1')).toMatchObject({ has_more: false, data: [] })
  expect((await system.request('GET', '/v1/extractors/nobody/versions')).status).toBe(404)
})
