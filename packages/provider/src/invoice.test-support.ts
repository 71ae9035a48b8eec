/** What the answers of these tests are about. */
export const schema = {
  type: 'object',
  properties: {
    vendor: { type: 'string' },
    total: { type: 'number' },
    paid: { type: 'boolean' },
    lines: {
      type: 'array',
      items: {
        type: 'object',
        properties: { sku: { type: 'string' }, qty: { type: 'integer' } },
        required: ['sku'],
        additionalProperties: false,
      },
    },
    note: { type: ['string', 'null'] },
  },
  required: ['vendor', 'total'],
  additionalProperties: false,
}
export const acme = { vendor: 'Acme', total: 5 }
