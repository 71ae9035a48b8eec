import type { BatchHandle, Sluice } from '@sluice/client'
import { loadSchemaFile } from '../schema-file.ts'

/** The handle of a batch. It checks values with the schema file, if one is given. */
export async function batchOf(client: Sluice, id: string, schema: string | undefined): Promise<BatchHandle<unknown>> {
  return schema === undefined ? client.batch(id) : client.batch(id, { schema: (await loadSchemaFile(schema)).schema })
}
