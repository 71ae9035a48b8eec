import { describe, expect, test } from 'vitest'
import { checkSchema } from './check.ts'
import { dropAddedNulls } from './null-drop.ts'
import { encodeStrict } from './strict-encoder.test-support.ts'
import { toStrictSchema, unwrap } from './strict.ts'
import { createValidator } from './validator.ts'

/** As the generators write them: values, and whether they are valid. */
const accepted: [name: string, schema: Record<string, unknown>, values: [unknown, boolean][]][] = [
  [
    'openapi 3.0 discriminator mapping',
    {
      components: {
        schemas: {
          Pet: {
            oneOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }],
            discriminator: {
              propertyName: 'petType',
              mapping: { cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog' },
            },
          },
          Cat: {
            type: 'object',
            required: ['petType'],
            properties: { petType: { type: 'string', enum: ['cat'] }, lives: { type: 'integer', format: 'int32' } },
          },
          Dog: {
            type: 'object',
            required: ['petType'],
            properties: { petType: { type: 'string', enum: ['dog'] }, bark: { type: 'boolean', nullable: true } },
          },
        },
      },
      $ref: '#/components/schemas/Pet',
    },
    [
      [{ petType: 'cat', lives: 9 }, true],
      [{ petType: 'dog', bark: null }, true],
      [{ petType: 'cow' }, false],
      [{ petType: 'cat', lives: 'x' }, false],
    ],
  ],
  [
    'openapi 3.0 allOf base with discriminator',
    {
      type: 'object',
      properties: { pet: { $ref: '#/components/schemas/Cat' } },
      components: {
        schemas: {
          Base: {
            type: 'object',
            required: ['kind'],
            properties: { kind: { type: 'string' } },
            discriminator: { propertyName: 'kind' },
          },
          Cat: {
            allOf: [
              { $ref: '#/components/schemas/Base' },
              { type: 'object', properties: { lives: { type: 'integer' } } },
            ],
          },
        },
      },
    },
    [
      [{ pet: { kind: 'c', lives: 1 } }, true],
      [{ pet: { lives: 1 } }, false],
    ],
  ],
  [
    'openapi 3.0 nullable $ref allOf',
    {
      type: 'object',
      properties: { a: { allOf: [{ $ref: '#/components/schemas/A' }], nullable: true } },
      components: { schemas: { A: { type: 'string' } } },
    },
    [
      [{ a: null }, true],
      [{ a: 'x' }, true],
      [{ a: 1 }, false],
    ],
  ],
  [
    'openapi 3.0 $ref sibling nullable',
    {
      type: 'object',
      properties: { a: { $ref: '#/components/schemas/A', nullable: true } },
      components: { schemas: { A: { type: 'string' } } },
    },
    [
      [{ a: 'x' }, true],
      [{ a: 1 }, false],
    ],
  ],
  [
    'openapi 3.1 type list',
    {
      $schema: 'https://spec.openapis.org/oas/3.1/dialect/base',
      type: 'object',
      properties: { a: { type: ['string', 'null'], example: 'x' } },
    },
    [[{ a: null }, true]],
  ],
  [
    'openapi 3.1 dialect 2024',
    {
      $schema: 'https://spec.openapis.org/oas/3.1/dialect/2024-11-10',
      type: 'object',
      properties: { a: { type: ['string', 'null'] } },
    },
    [[{ a: null }, true]],
  ],
  [
    'openapi 3.2 dialect',
    { $schema: 'https://spec.openapis.org/oas/3.2/dialect/2025-09-17', type: 'object' },
    [[{}, true]],
  ],
  [
    'pydantic optional union',
    {
      $defs: {
        Line: {
          properties: {
            sku: { title: 'Sku', type: 'string' },
            qty: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null, title: 'Qty' },
          },
          required: ['sku'],
          title: 'Line',
          type: 'object',
        },
      },
      properties: {
        lines: { items: { $ref: '#/$defs/Line' }, title: 'Lines', type: 'array' },
        due: { anyOf: [{ format: 'date', type: 'string' }, { type: 'null' }], default: null },
      },
      required: ['lines'],
      title: 'Invoice',
      type: 'object',
    },
    [
      [{ lines: [{ sku: 'a', qty: null }], due: '2024-02-29' }, true],
      [{ lines: [{ sku: 'a', qty: 1 }], due: '2023-02-29' }, false],
    ],
  ],
  [
    'pydantic discriminated union',
    {
      $defs: {
        A: {
          properties: { t: { const: 'a', title: 'T', type: 'string' }, x: { type: 'integer' } },
          required: ['t', 'x'],
          type: 'object',
        },
        B: {
          properties: { t: { const: 'b', type: 'string' }, y: { type: 'string' } },
          required: ['t', 'y'],
          type: 'object',
        },
      },
      properties: {
        u: {
          discriminator: { mapping: { a: '#/$defs/A', b: '#/$defs/B' }, propertyName: 't' },
          oneOf: [{ $ref: '#/$defs/A' }, { $ref: '#/$defs/B' }],
        },
      },
      required: ['u'],
      type: 'object',
    },
    [
      [{ u: { t: 'a', x: 1 } }, true],
      [{ u: { t: 'a', y: 's' } }, false],
      [{ u: { t: 'b', y: 's' } }, true],
    ],
  ],
  [
    'pydantic tuple',
    {
      properties: {
        p: { maxItems: 2, minItems: 2, prefixItems: [{ type: 'number' }, { type: 'string' }], type: 'array' },
      },
      required: ['p'],
      type: 'object',
    },
    [
      [{ p: [1, 'a'] }, true],
      [{ p: [1] }, false],
      [{ p: ['a', 1] }, false],
      [{ p: [1, 'a', 2] }, false],
    ],
  ],
  [
    'pydantic Decimal',
    {
      properties: {
        d: { anyOf: [{ type: 'number' }, { pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$', type: 'string' }] },
      },
      required: ['d'],
      type: 'object',
    },
    [
      [{ d: '12.50' }, true],
      [{ d: '-' }, false],
      [{ d: 3 }, true],
      [{ d: '12,5' }, false],
    ],
  ],
  [
    'pydantic dict',
    {
      properties: {
        m: { additionalProperties: { type: 'integer' }, propertyNames: { enum: ['a', 'b'] }, type: 'object' },
      },
      required: ['m'],
      type: 'object',
    },
    [
      [{ m: { a: 1 } }, true],
      [{ m: { c: 1 } }, false],
    ],
  ],
  [
    'pydantic recursive',
    {
      $defs: {
        Node: {
          properties: {
            v: { type: 'integer' },
            children: { default: [], items: { $ref: '#/$defs/Node' }, type: 'array' },
          },
          required: ['v'],
          type: 'object',
        },
      },
      $ref: '#/$defs/Node',
    },
    [
      [{ v: 1, children: [{ v: 2, children: [] }] }, true],
      [{ v: 1, children: [{}] }, false],
    ],
  ],
  [
    'pydantic Json/bytes/uuid/ipvany/timedelta',
    {
      properties: {
        j: { contentMediaType: 'application/json', contentSchema: {}, type: 'string' },
        b: { format: 'binary', type: 'string' },
        u: { format: 'uuid4', type: 'string' },
        i: { format: 'ipvanyaddress', type: 'string' },
        t: { format: 'duration', type: 'string' },
        p: { format: 'file-path', type: 'string' },
        s: { format: 'password', type: 'string', writeOnly: true },
      },
      type: 'object',
    },
    [
      [{ j: '{}', t: 'P1D' }, true],
      [{ t: '1 day' }, false],
    ],
  ],
  [
    'zod 4 object',
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        e: {
          type: 'string',
          format: 'email',
          pattern:
            "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
        },
        n: { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
      },
      required: ['e', 'n'],
      additionalProperties: false,
    },
    [
      [{ e: 'a@b.co', n: 1 }, true],
      [{ e: '.a@b.co', n: 1 }, false],
      [{ e: 'a@b.co', n: 1.5 }, false],
    ],
  ],
  [
    'zod record',
    { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'number' } },
    [
      [{ a: 1 }, true],
      [{ a: 'x' }, false],
    ],
  ],
  [
    'zod datetime pattern',
    {
      type: 'string',
      format: 'date-time',
      pattern:
        '^(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|(?:02)-(?:0[1-9]|1\\d|2[0-8])))T(?:(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d+)?)?(?:Z))$',
    },
    [
      ['2024-02-29T10:00:00Z', true],
      ['2023-02-29T10:00:00Z', false],
      ['2024-02-29T10:00:00+01:00', false],
    ],
  ],
  [
    'zod draft-7 tuple',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'array',
      items: [{ type: 'string' }, { type: 'number' }],
      additionalItems: false,
      minItems: 2,
    },
    [
      [['a', 1], true],
      [['a'], false],
      [['a', 1, 2], false],
    ],
  ],
  [
    'zod __schema0',
    {
      type: 'object',
      properties: { t: { $ref: '#/$defs/__schema0' } },
      required: ['t'],
      additionalProperties: false,
      $defs: {
        __schema0: {
          type: 'object',
          properties: { n: { type: 'string' }, k: { type: 'array', items: { $ref: '#/$defs/__schema0' } } },
          required: ['n', 'k'],
          additionalProperties: false,
        },
      },
    },
    [
      [{ t: { n: 'a', k: [{ n: 'b', k: [] }] } }, true],
      [{ t: { n: 'a', k: [{ n: 'b' }] } }, false],
    ],
  ],
  [
    'typebox Recursive',
    {
      $id: 'Node',
      type: 'object',
      required: ['nodes'],
      properties: { id: { type: 'string' }, nodes: { type: 'array', items: { $ref: 'Node' } } },
    },
    [
      [{ nodes: [{ nodes: [] }] }, true],
      [{ nodes: [{}] }, false],
    ],
  ],
  [
    'typebox This',
    { type: 'object', required: ['n'], properties: { n: { type: 'array', items: { $ref: 'T0' } } }, $id: 'T0' },
    [[{ n: [{ n: [] }] }, true]],
  ],
  [
    'typebox Module $ref',
    {
      $defs: {
        A: { type: 'object', properties: { b: { $ref: 'B' } }, required: ['b'], $id: 'A' },
        B: { type: 'string', $id: 'B' },
      },
      $ref: 'A',
    },
    [
      [{ b: 'x' }, true],
      [{ b: 1 }, false],
    ],
  ],
  [
    'typebox union literals',
    {
      anyOf: [
        { const: 'a', type: 'string' },
        { const: 'b', type: 'string' },
      ],
    },
    [
      ['a', true],
      ['c', false],
    ],
  ],
  [
    'typebox Tuple 0.34',
    { type: 'array', items: [{ type: 'string' }], additionalItems: false, minItems: 1, maxItems: 1 },
    [
      [['a'], true],
      [[1], false],
      [[], false],
    ],
  ],
  [
    'json forms',
    {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, description: 'd' },
        vegetarian: { type: 'boolean' },
        birthDate: { type: 'string', format: 'date' },
        nationality: {
          type: 'string',
          oneOf: [
            { const: 'DE', title: 'German' },
            { const: 'IT', title: 'Italian' },
          ],
        },
        rating: { type: 'integer', minimum: 0, maximum: 5 },
      },
      required: ['occupation'],
    },
    [
      [{ occupation: 'x', nationality: 'DE' }, true],
      [{ occupation: 'x', nationality: 'FR' }, false],
      [{}, false],
    ],
  ],
  [
    'rjsf enumNames',
    { type: 'object', properties: { c: { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'Green'] } } },
    [
      [{ c: 'r' }, true],
      [{ c: 'Red' }, false],
    ],
  ],
  [
    'rjsf dependencies oneOf',
    {
      type: 'object',
      properties: { pets: { type: 'string', enum: ['No', 'Yes'] } },
      required: ['pets'],
      dependencies: {
        pets: {
          oneOf: [
            { properties: { pets: { enum: ['No'] } } },
            { properties: { pets: { enum: ['Yes'] }, age: { type: 'number' } }, required: ['age'] },
          ],
        },
      },
    },
    [
      [{ pets: 'No' }, true],
      [{ pets: 'Yes' }, false],
      [{ pets: 'Yes', age: 2 }, true],
    ],
  ],
  [
    'asyncapi payload',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { sentAt: { type: 'string', format: 'date-time' }, lumens: { type: 'integer', minimum: 0 } },
      'x-parser-schema-id': 'a',
      discriminator: 'kind',
      examples: [{}],
    },
    [
      [{ lumens: 1 }, true],
      [{ lumens: -1 }, false],
    ],
  ],
  [
    'draft-04 id and relative',
    {
      $schema: 'http://json-schema.org/draft-04/schema#',
      id: 'http://ex.org/root.json',
      type: 'object',
      properties: { a: { $ref: 'defs.json#/definitions/x' }, b: { $ref: '#/definitions/y' } },
      definitions: {
        d: { id: 'defs.json', definitions: { x: { type: 'integer' } } },
        y: { type: 'number', minimum: 0, exclusiveMinimum: true },
      },
    },
    [
      [{ a: 1, b: 1 }, true],
      [{ a: 'x' }, false],
      [{ b: 0 }, false],
    ],
  ],
  [
    'draft-04 #anchor id',
    {
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'object',
      properties: { a: { $ref: '#foo' } },
      definitions: { q: { id: '#foo', type: 'string' } },
    },
    [
      [{ a: 'x' }, true],
      [{ a: 1 }, false],
    ],
  ],
  [
    'property named id d4',
    {
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'object',
      properties: { id: { type: 'string' }, $ref: { type: 'string' } },
      required: ['id'],
    },
    [
      [{ id: 'x', $ref: '#/y' }, true],
      [{ id: 1 }, false],
    ],
  ],
  [
    'property named $ref 2020',
    {
      type: 'object',
      properties: {
        $ref: { type: 'string' },
        $id: { type: 'integer' },
        type: { type: 'string' },
        properties: { type: 'object' },
        required: { type: 'boolean' },
      },
      required: ['$ref'],
    },
    [
      [{ $ref: 'a', $id: 1, type: 't', properties: {}, required: true }, true],
      [{}, false],
      [{ $ref: 1 }, false],
    ],
  ],
  [
    'enum containing $ref-like objects',
    { enum: [{ $ref: '#/nowhere' }, { type: 'int' }] },
    [
      [{ $ref: '#/nowhere' }, true],
      [{}, false],
    ],
  ],
  [
    'const object',
    { type: 'object', properties: { v: { const: { a: [1, { b: null }] } } }, required: ['v'] },
    [
      [{ v: { a: [1, { b: null }] } }, true],
      [{ v: { a: [1, {}] } }, false],
    ],
  ],
  [
    'default with $ref',
    { type: 'object', properties: { v: { type: 'object', default: { $ref: '#/x' } } } },
    [[{ v: {} }, true]],
  ],
  [
    'huge enum 3000',
    { type: 'string', enum: Array.from({ length: 3000 }, (_, i) => 'code-' + i) },
    [
      ['code-2999', true],
      ['code-3000', false],
    ],
  ],
  [
    'enum 20000 numbers',
    { enum: Array.from({ length: 20000 }, (_, i) => i) },
    [
      [19999, true],
      [-1, false],
    ],
  ],
  [
    'uint64 max',
    { type: 'integer', minimum: 0, maximum: 2 ** 64, format: 'uint64' },
    [
      [1, true],
      [-1, false],
    ],
  ],
  [
    'patternProperties + additional false',
    {
      type: 'object',
      patternProperties: { '^S_': { type: 'string' }, '^I_': { type: 'integer' } },
      additionalProperties: false,
    },
    [
      [{ S_1: 'a', I_1: 2 }, true],
      [{ S_1: 1 }, false],
      [{ x: 1 }, false],
    ],
  ],
  [
    'patternProperties unicode class',
    { type: 'object', patternProperties: { '^\\p{Letter}+$': { type: 'string' } }, additionalProperties: false },
    [
      [{ Größe: 'a' }, true],
      [{ a1: 'a' }, false],
    ],
  ],
  [
    'dependentSchemas',
    {
      type: 'object',
      properties: { card: { type: 'string' } },
      dependentSchemas: { card: { properties: { addr: { type: 'string' } }, required: ['addr'] } },
    },
    [
      [{ card: 'x' }, false],
      [{ card: 'x', addr: 'y' }, true],
      [{ addr: 1 }, true],
    ],
  ],
  [
    'dependentRequired',
    { type: 'object', dependentRequired: { a: ['b', 'c'] } },
    [
      [{ a: 1, b: 1 }, false],
      [{ a: 1, b: 1, c: 1 }, true],
    ],
  ],
  [
    '$dynamicRef tree',
    {
      $id: 'https://e.x/strict',
      $dynamicAnchor: 'node',
      $ref: 'tree',
      unevaluatedProperties: false,
      $defs: {
        tree: {
          $id: 'tree',
          $dynamicAnchor: 'node',
          type: 'object',
          properties: { data: true, children: { type: 'array', items: { $dynamicRef: '#node' } } },
        },
      },
    },
    [
      [{ children: [{ data: 1 }] }, true],
      [{ children: [{ daat: 1 }] }, false],
    ],
  ],
  [
    '$dynamicRef generic list',
    {
      $ref: 'list',
      $defs: {
        strs: { $dynamicAnchor: 'T', type: 'string' },
        list: { $id: 'list', type: 'array', items: { $dynamicRef: '#T' }, $defs: { d: { $dynamicAnchor: 'T' } } },
      },
    },
    [[['a'], true]],
  ],
  [
    '2019 tuple',
    {
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      type: 'array',
      items: [{ type: 'integer' }],
      additionalItems: { type: 'string' },
    },
    [
      [[1, 'a'], true],
      [[1, 2], false],
    ],
  ],
  [
    '2020 prefixItems + items',
    { type: 'array', prefixItems: [{ type: 'integer' }], items: { type: 'string' } },
    [
      [[1, 'a'], true],
      [[1, 2], false],
    ],
  ],
  [
    '2020 unevaluatedItems after tuple',
    { type: 'array', prefixItems: [{ type: 'integer' }], unevaluatedItems: false },
    [
      [[1], true],
      [[1, 2], false],
    ],
  ],
  [
    'd4 tuple',
    {
      $schema: 'http://json-schema.org/draft-04/schema#',
      type: 'array',
      items: [{ type: 'integer' }],
      additionalItems: false,
    },
    [
      [[1], true],
      [[1, 2], false],
    ],
  ],
  [
    'nullable unions nested',
    {
      type: 'object',
      properties: { a: { anyOf: [{ type: 'null' }, { anyOf: [{ type: 'null' }, { type: 'string' }] }] } },
    },
    [
      [{ a: null }, true],
      [{ a: 'x' }, true],
      [{}, true],
      [{ a: 1 }, false],
    ],
  ],
  [
    'formats',
    {
      type: 'object',
      properties: {
        a: { format: 'idn-email', type: 'string' },
        b: { format: 'uri-template', type: 'string' },
        c: { format: 'json-pointer', type: 'string' },
        d: { format: 'relative-json-pointer', type: 'string' },
        e: { format: 'iri-reference', type: 'string' },
        f: { format: 'hostname', type: 'string' },
        g: { format: 'ipv6', type: 'string' },
        h: { format: 'regex', type: 'string' },
        i: { format: 'time', type: 'string' },
      },
    },
    [
      [
        { a: 'ü@ex.org', b: '/x/{id}', c: '/a~1b', d: '1/a', e: 'ü/x', f: 'a.b', g: '::1', h: 'a+', i: '10:00:00Z' },
        true,
      ],
      [{ c: 'a' }, false],
      [{ g: '::g' }, false],
      [{ i: '25:00:00Z' }, false],
      [{ h: '(' }, false],
      [{ f: '-a' }, false],
    ],
  ],
  ['format on number', { type: 'number', format: 'double' }, [[1.5, true]]],
  [
    'format int32 and uint64',
    {
      type: 'object',
      properties: {
        a: { type: 'integer', format: 'int32' },
        b: { type: 'integer', format: 'uint64' },
        c: { type: 'integer', format: 'uint8' },
      },
    },
    [
      [{ a: 2147483647, b: 1, c: 255 }, true],
      [{ a: 2147483648 }, false],
      [{ b: -1 }, false],
      [{ c: 256 }, false],
    ],
  ],
  [
    'unicode names',
    {
      type: 'object',
      properties: {
        größe: { type: 'number' },
        日本: { type: 'string' },
        '😀': { type: 'boolean' },
        'a b': { type: 'string' },
        'a.b': { type: 'string' },
        'a/b': { type: 'string' },
        '~': { type: 'string' },
      },
      required: ['größe', '日本', '😀'],
      additionalProperties: false,
    },
    [
      [{ größe: 1, 日本: 'x', '😀': true, 'a/b': 'x', '~': 'y' }, true],
      [{ größe: 1, 日本: 'x' }, false],
    ],
  ],
  [
    'NFC vs NFD names',
    { type: 'object', properties: { '\u00e9': { type: 'string' } }, required: ['\u00e9'], additionalProperties: false },
    [
      [{ '\u00e9': 'x' }, true],
      [{ 'e\u0301': 'x' }, false],
    ],
  ],
  [
    'empty name',
    { type: 'object', properties: { '': { type: 'integer' } }, required: [''], additionalProperties: false },
    [
      [{ '': 1 }, true],
      [{ '': 'x' }, false],
      [{}, false],
    ],
  ],
  [
    'names of prototype',
    {
      type: 'object',
      properties: {
        constructor: { type: 'string' },
        toString: { type: 'string' },
        valueOf: { type: 'integer' },
        hasOwnProperty: { type: 'string' },
        length: { type: 'integer' },
      },
      required: ['constructor', 'toString'],
      additionalProperties: false,
    },
    [
      [{ constructor: 'a', toString: 'b' }, true],
      [{}, false],
      [{ constructor: 'a', toString: 1 }, false],
    ],
  ],
  [
    '__proto__ in required',
    { type: 'object', required: ['__proto__'] },
    [
      [JSON.parse('{"__proto__":1}'), true],
      [{}, false],
    ],
  ],
  [
    'if/then/else',
    JSON.parse(
      '{"type":"object","properties":{"c":{"enum":["US","CA"]},"p":{"type":"string"}},"if":{"properties":{"c":{"const":"US"}},"required":["c"]},"then":{"properties":{"p":{"pattern":"^[0-9]{5}$"}}},"else":{"properties":{"p":{"pattern":"^[A-Z]"}}}}',
    ),
    [
      [{ c: 'US', p: '12345' }, true],
      [{ c: 'US', p: 'A1' }, false],
      [{ c: 'CA', p: 'A1' }, true],
    ],
  ],
  [
    'mutually recursive',
    {
      $ref: '#/$defs/A',
      $defs: {
        A: { type: 'object', properties: { b: { $ref: '#/$defs/B' } } },
        B: { type: 'object', properties: { a: { $ref: '#/$defs/A' } } },
      },
    },
    [
      [{ b: { a: { b: {} } } }, true],
      [{ b: { a: 1 } }, false],
    ],
  ],
  [
    'JSON value type',
    {
      $ref: '#/$defs/json',
      $defs: {
        json: {
          anyOf: [
            { type: 'string' },
            { type: 'number' },
            { type: 'boolean' },
            { type: 'null' },
            { type: 'array', items: { $ref: '#/$defs/json' } },
            { type: 'object', additionalProperties: { $ref: '#/$defs/json' } },
          ],
        },
      },
    },
    [
      [{ a: [1, null, { b: 'x' }] }, true],
      ['x', true],
      [null, true],
    ],
  ],
  [
    'schemars Option enum',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'X',
      type: 'object',
      properties: { k: { anyOf: [{ $ref: '#/definitions/K' }, { type: 'null' }] } },
      definitions: {
        K: {
          oneOf: [
            { type: 'string', enum: ['A'] },
            {
              type: 'object',
              required: ['B'],
              properties: { B: { type: 'integer', format: 'uint32', minimum: 0.0 } },
              additionalProperties: false,
            },
          ],
        },
      },
    },
    [
      [{ k: 'A' }, true],
      [{ k: { B: 1 } }, true],
      [{ k: { B: -1 } }, false],
      [{ k: null }, true],
      [{}, true],
    ],
  ],
  [
    'go invopop $ref root',
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://github.com/x/y',
      $ref: '#/$defs/U',
      $defs: {
        U: { properties: { id: { type: 'integer' } }, additionalProperties: false, type: 'object', required: ['id'] },
      },
    },
    [
      [{ id: 1 }, true],
      [{}, false],
    ],
  ],
  [
    'typescript-json-schema',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      definitions: {
        'Partial<Foo>': { type: 'object', properties: { a: { type: 'string' } } },
        'Record<string,number>': { type: 'object', additionalProperties: { type: 'number' } },
      },
      type: 'object',
      properties: { f: { $ref: '#/definitions/Partial<Foo>' }, r: { $ref: '#/definitions/Record<string,number>' } },
    },
    [
      [{ f: { a: 'x' }, r: { q: 1 } }, true],
      [{ f: { a: 1 } }, false],
    ],
  ],
  [
    'ts-json-schema-generator encoded',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      definitions: { 'Partial<Foo>': { type: 'object', properties: { a: { type: 'string' } } } },
      type: 'object',
      properties: { f: { $ref: '#/definitions/Partial%3CFoo%3E' } },
    },
    [
      [{ f: { a: 'x' } }, true],
      [{ f: { a: 1 } }, false],
    ],
  ],
  [
    'quicktype',
    {
      $schema: 'http://json-schema.org/draft-06/schema#',
      $ref: '#/definitions/W',
      definitions: {
        W: {
          type: 'object',
          additionalProperties: false,
          properties: { u: { type: 'string', format: 'uri', 'qt-uri-protocols': ['https'] } },
          required: ['u'],
          title: 'W',
        },
      },
    },
    [
      [{ u: 'https://x.y' }, true],
      [{ u: 'not a uri' }, false],
    ],
  ],
  [
    'genson',
    {
      $schema: 'http://json-schema.org/schema#',
      type: 'object',
      properties: { a: { type: ['integer', 'string'] } },
      required: ['a'],
    },
    [
      [{ a: 1 }, true],
      [{ a: null }, false],
    ],
  ],
  [
    'C# NJsonSchema',
    {
      $schema: 'http://json-schema.org/draft-04/schema#',
      title: 'P',
      type: 'object',
      additionalProperties: false,
      properties: { N: { type: ['null', 'string'] }, G: { oneOf: [{ $ref: '#/definitions/G' }] } },
      definitions: { G: { type: 'integer', description: '', 'x-enumNames': ['M', 'F'], enum: [0, 1] } },
    },
    [
      [{ N: null, G: 1 }, true],
      [{ G: 2 }, false],
    ],
  ],
  [
    'STJ exporter',
    {
      type: ['object', 'null'],
      properties: {
        a: { type: ['string', 'null'] },
        n: { type: ['string', 'integer'], pattern: '^-?(?:0|[1-9]\\d*)$' },
      },
    },
    [
      [{ a: null, n: '12' }, true],
      [{ n: '1.2' }, false],
      [null, true],
    ],
  ],
  [
    'mongodb bsonType',
    { bsonType: 'object', required: ['a'], properties: { a: { bsonType: 'string' } } },
    [[{ a: 1 }, true]],
  ],
  [
    'additionalProperties $ref root',
    { type: 'object', additionalProperties: { $ref: '#' } },
    [
      [{ a: { b: {} } }, true],
      [{ a: 1 }, false],
    ],
  ],
  [
    'minProperties',
    { type: 'object', minProperties: 1, maxProperties: 2, additionalProperties: { type: 'integer' } },
    [
      [{}, false],
      [{ a: 1 }, true],
      [{ a: 1, b: 1, c: 1 }, false],
    ],
  ],
  [
    'uniqueItems objects',
    { type: 'array', uniqueItems: true, items: { type: 'object' } },
    [
      [
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
        false,
      ],
      [[{ a: 1 }, { a: 2 }], true],
    ],
  ],
  [
    'contains min/max',
    { type: 'array', contains: { type: 'integer' }, minContains: 2, maxContains: 3 },
    [
      [[1, 2, 'a'], true],
      [[1], false],
      [[1, 2, 3, 4], false],
    ],
  ],
  [
    'anyOf required',
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    [
      [{ a: 'x' }, true],
      [{}, false],
    ],
  ],
  [
    'oneOf required excl',
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    [
      [{ a: 'x' }, true],
      [{ a: 'x', b: 'y' }, false],
    ],
  ],
  [
    'pattern anchors multi-line',
    { type: 'string', pattern: '^a$' },
    [
      ['a', true],
      ['a\n', false],
      ['b\na', false],
    ],
  ],
  [
    'pattern lookbehind',
    { type: 'string', pattern: '(?<=\\$)\\d+' },
    [
      ['$5', true],
      ['5', false],
    ],
  ],
  [
    'pattern \\d unicode',
    { type: 'string', pattern: '^\\d$' },
    [
      ['5', true],
      ['٥', false],
    ],
  ],
  [
    'pattern emoji dot',
    { type: 'string', pattern: '^.$' },
    [
      ['😀', true],
      ['ab', false],
    ],
  ],
  [
    'pattern \\- outside class',
    { type: 'string', pattern: '^\\d{3}\\-\\d{2}$' },
    [
      ['123-45', true],
      ['12345', false],
    ],
  ],
  ['pattern unescaped slash', { type: 'string', pattern: '^a/b$' }, [['a/b', true]]],
  [
    'multipleOf 0.01 many',
    { type: 'number', multipleOf: 0.01 },
    [
      [19.99, true],
      [4.35, true],
      [1.005, false],
      [1e15 + 0.25, true],
      [0.07, true],
      [8.41, true],
    ],
  ],
  [
    'multipleOf 1e-8',
    { type: 'number', multipleOf: 1e-8 },
    [
      [0.12345678, true],
      [0.123456789, false],
    ],
  ],
  [
    'integer as 1.0',
    { type: 'integer' },
    [
      [1.0, true],
      [1e3, true],
      [1.5, false],
    ],
  ],
  [
    'type list number+string',
    { type: ['number', 'string'], minimum: 5, maxLength: 2 },
    [
      [6, true],
      ['ab', true],
      ['abc', false],
      [4, false],
    ],
  ],
  [
    'deep $ref pointer',
    {
      type: 'object',
      properties: {
        a: { type: 'object', properties: { 'x/y': { type: 'integer' } } },
        b: { $ref: '#/properties/a/properties/x~1y' },
      },
    },
    [
      [{ b: 1 }, true],
      [{ b: 'x' }, false],
    ],
  ],
  [
    '$ref with siblings 2020',
    {
      type: 'object',
      properties: { a: { $ref: '#/$defs/s', maxLength: 2, description: 'x' } },
      $defs: { s: { type: 'string' } },
    },
    [
      [{ a: 'ab' }, true],
      [{ a: 'abc' }, false],
    ],
  ],
  [
    'false schema prop',
    { type: 'object', properties: { a: false, b: { type: 'integer' } } },
    [
      [{ b: 1 }, true],
      [{ a: 1 }, false],
    ],
  ],
  [
    'true schema',
    { type: 'object', properties: { a: true }, required: ['a'] },
    [
      [{ a: null }, true],
      [{}, false],
    ],
  ],
  [
    'required dup not in props',
    { type: 'object', required: ['a', 'a'] },
    [
      [{ a: 1 }, true],
      [{}, false],
    ],
  ],
  [
    'not enum',
    { type: 'string', not: { enum: ['x'] } },
    [
      ['x', false],
      ['y', true],
    ],
  ],
  [
    'gemini propertyOrdering',
    { type: 'object', properties: { a: { type: 'string' } }, propertyOrdering: ['a'] },
    [[{ a: 'x' }, true]],
  ],
  [
    'enum with type mismatch partial',
    { type: 'string', enum: ['a', null] },
    [
      ['a', true],
      [null, false],
    ],
  ],
  [
    'openapi nullable enum w/o null',
    { type: 'object', properties: { a: { type: 'string', nullable: true, enum: ['x'] } } },
    [
      [{ a: 'x' }, true],
      [{ a: null }, false],
    ],
  ],
  [
    'oneOf overlapping int/number',
    { oneOf: [{ type: 'integer' }, { type: 'number' }] },
    [
      [1.5, true],
      [1, false],
    ],
  ],
  ['contentEncoding base64', { type: 'string', contentEncoding: 'base64' }, [['!!', true]]],
  [
    'readOnly required',
    { type: 'object', properties: { id: { type: 'string', readOnly: true } }, required: ['id'] },
    [
      [{ id: 'x' }, true],
      [{}, false],
    ],
  ],
]

/** Read in another way they would accept every answer, or refuse every answer. */
const refused: [name: string, schema: Record<string, unknown>][] = [
  [
    'openapi full document',
    {
      openapi: '3.0.3',
      info: { title: 'x', version: '1' },
      paths: {},
      components: { schemas: { A: { type: 'string' } } },
    },
  ],
  ['typebox Unsafe Date', { type: 'Date' }],
  ['__proto__ in enum value', { enum: [JSON.parse('{"__proto__":1}')] }],
  ['avro-like', { type: 'record', fields: [] }],
  ['pattern named group backreference', { type: 'string', pattern: '^(?<q>[\'"]).*\\k<q>$' }],
  ['pattern possessive PCRE', { type: 'string', pattern: '^a++$' }],
  ['pattern (?i)', { type: 'string', pattern: '(?i)^abc$' }],
  ['pattern python (?P<', { type: 'string', pattern: '^(?P<y>\\d{4})$' }],
  ['pattern posix', { type: 'string', pattern: '^[[:alpha:]]+$' }],
  ['pattern \\h', { type: 'string', pattern: '^\\h+$' }],
  ['pattern with delimiters', { type: 'string', pattern: '/^abc$/i' }],
  [
    'an unused definition that leads out of the schema',
    { type: 'object', properties: { a: { type: 'string' } }, $defs: { r: { $ref: 'https://x.y/z.json' } } },
  ],
  ['$ref to meta', { type: 'object', properties: { s: { $ref: 'http://json-schema.org/draft-07/schema#' } } }],
  ['vocab custom', { $schema: 'https://json-schema.org/draft/next/schema', type: 'object' }],
  [
    'anthropic input_schema wrapper',
    { name: 'x', description: 'd', input_schema: { type: 'object', properties: { a: { type: 'string' } } } },
  ],
  ['openai response_format wrapper', { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } }],
  ['openai name+schema wrapper', { name: 'x', strict: true, schema: { type: 'object', properties: {} } }],
  ['example instance instead of schema', { vendor: 'Acme', total: 5 }],
  ['gemini uppercase types', { type: 'OBJECT', properties: { a: { type: 'STRING' } } }],
  ['pattern with an octal code', { type: 'string', pattern: '^(a)\\2$' }],
  ['pattern of a Java intersection', { type: 'string', pattern: '^[a-z&&[^b]]$' }],
  [
    'a schema inside of the definition of a tool',
    { name: 'extract', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  ],
]

describe('a schema as its generator writes it is accepted, and each value has its verdict, also after the way to a strict model and back:', () => {
  test.each(accepted)('%s', (_, schema, values) => {
    const before = structuredClone(schema)
    expect(checkSchema(schema)).toMatchObject({ ok: true })
    const validator = createValidator(schema)
    const strict = toStrictSchema(schema)
    for (const [value, valid] of values) {
      expect([value, validator.validate(value).valid]).toEqual([value, valid])
      if (!valid || !strict.strict) continue
      const sent = encodeStrict(strict.schema, strict.wrapped ? { value } : value)
      expect(dropAddedNulls(schema, strict.wrapped ? unwrap(sent) : sent)).toEqual(value)
    }
    expect(schema).toEqual(before)
  })
})

describe('what is not a schema, or would be read as another one, is refused with its place:', () => {
  test.each(refused)('%s', (_, schema) => {
    expect(checkSchema(schema)).toEqual({ ok: false, pointer: expect.any(String), message: expect.any(String) })
  })

  test('a schema inside of something else is named', () => {
    expect(checkSchema({ name: 'x', strict: true, schema: { type: 'object', properties: {} } })).toEqual({
      ok: false,
      pointer: '/schema',
      message: expect.stringContaining('send only what is inside of schema'),
    })
  })
})
