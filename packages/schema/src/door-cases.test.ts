import { describe, expect, test } from 'vitest'
import { checkSchema } from './check.ts'
import { createValidator } from './validator.ts'

/** `if` with its branches. Written out, the object would be taken for a promise. */
const conditional = (test: object, whenTrue: object, whenFalse: object): object => {
  const branches = ['if', 'then', 'else'] as const
  const schemas = [test, whenTrue, whenFalse]
  return Object.fromEntries(branches.map((keyword, i) => [keyword, schemas[i]]))
}

/** Each with values and whether they are valid. `warns`: whether the door says that something is not checked. */
const accepted: { name: string; schema: object; values: [unknown, boolean][]; warns?: boolean }[] = [
  {
    name: 'dependentSchemas nest',
    schema: { dependentSchemas: { a: { dependentSchemas: { b: { required: ['c'] } } } } },
    values: [
      [{ a: 1 }, true],
      [{ a: 1, b: 1 }, false],
      [{ a: 1, b: 1, c: 1 }, true],
      [{ b: 1 }, true],
    ],
  },
  {
    name: 'unevaluated through dependentSchemas',
    schema: {
      properties: { a: true },
      dependentSchemas: { a: { properties: { b: true } } },
      unevaluatedProperties: false,
    },
    values: [
      [{ a: 1, b: 2 }, true],
      [{ b: 2 }, false],
    ],
  },
  {
    name: 'unevaluated w/ not',
    schema: { not: { not: { properties: { a: true }, required: ['a'] } }, unevaluatedProperties: false },
    values: [[{ a: 1 }, false]],
  },
  {
    name: 'unevaluated nested additional',
    schema: {
      allOf: [{ properties: { a: true }, additionalProperties: { type: 'string' } }],
      unevaluatedProperties: false,
    },
    values: [
      [{ a: 1, b: 'x' }, true],
      [{ b: 1 }, false],
    ],
  },
  {
    name: 'unevaluatedItems contains',
    schema: { contains: { type: 'string' }, unevaluatedItems: { type: 'number' } },
    values: [
      [['a', 1], true],
      [['a', true], false],
      [[1], false],
    ],
  },
  {
    name: 'unevaluatedItems prefix in anyOf',
    schema: {
      anyOf: [{ prefixItems: [{ const: 1 }] }, { prefixItems: [true, { const: 2 }] }],
      unevaluatedItems: false,
    },
    values: [
      [[1], true],
      [[1, 2], true],
      [[3, 2], true],
      [[1, 3], false],
    ],
  },
  {
    name: 'if then else unevaluated',
    schema: {
      ...conditional(
        { properties: { k: { const: 'a' } }, required: ['k'] },
        { properties: { x: true } },
        { properties: { k: true, y: true } },
      ),
      unevaluatedProperties: false,
    },
    values: [
      [{ k: 'a', x: 1 }, true],
      [{ k: 'b', y: 1 }, true],
      [{ k: 'a', y: 1 }, false],
    ],
  },
  {
    name: 'contains minContains 0',
    schema: { contains: { const: 1 }, minContains: 0, maxContains: 1 },
    values: [
      [[], true],
      [[1, 1], false],
      [[2], true],
    ],
  },
  {
    name: 'propertyNames pattern',
    schema: { propertyNames: { pattern: '^[a-z]+$' } },
    values: [
      [{ ab: 1 }, true],
      [{ A: 1 }, false],
    ],
  },
  {
    name: 'propertyNames format',
    schema: { propertyNames: { format: 'email' } },
    values: [
      [{ 'a@b.c': 1 }, true],
      [{ A: 1 }, false],
    ],
  },
  {
    name: 'propertyNames false',
    schema: { propertyNames: false },
    values: [
      [{}, true],
      [{ a: 1 }, false],
    ],
  },
  {
    name: 'minItems 1e9',
    schema: { minItems: 1000000000 },
    values: [
      [[], false],
      ['x', true],
    ],
  },
  {
    name: 'minItems 1.0 float',
    schema: { minItems: 1 },
    values: [
      [[1], true],
      [[], false],
    ],
  },
  {
    name: 'multipleOf 1e-8',
    schema: { multipleOf: 1e-8 },
    values: [
      [12391239123, true],
      [1e-8, true],
      [1.5e-8, false],
    ],
  },
  {
    name: 'multipleOf 0.01 money',
    schema: { multipleOf: 0.01 },
    values: [
      [19.99, true],
      [19.999, false],
      [0.07, true],
      [1e22, true],
      [1234567890.12, true],
    ],
  },
  {
    name: 'multipleOf 1e308',
    schema: { multipleOf: 1e308 },
    values: [
      [1e308, true],
      [0, true],
      [1, false],
    ],
  },
  {
    name: 'multipleOf 0.1+0.2',
    schema: { multipleOf: 0.1 },
    values: [
      [0.3, true],
      [0.30000000000000004, false],
    ],
  },
  {
    name: 'uniqueItems deep eq',
    schema: { uniqueItems: true },
    values: [
      [
        [
          { a: 1, b: [2] },
          { b: [2], a: 1 },
        ],
        false,
      ],
      [[1, true], true],
      [[0, false], true],
      [['1', 1], true],
      [[[1], ['1']], true],
      [[1, 1], false],
      [[{ a: 1 }, { a: 1, b: undefined }], true],
    ],
  },
  {
    name: 'enum deep',
    schema: { enum: [{ a: [1, { b: null }] }, []] },
    values: [
      [{ a: [1, { b: null }] }, true],
      [[], true],
      [{}, false],
    ],
  },
  { name: 'const -0', schema: { const: 0 }, values: [[-0, true]] },
  {
    name: 'const 1.0',
    schema: { const: 1 },
    values: [
      [1, true],
      [true, false],
    ],
  },
  {
    name: 'const null',
    schema: { const: null },
    values: [
      [null, true],
      [0, false],
    ],
  },
  { name: 'enum dup', schema: { enum: ['a', 'a'] }, values: [['a', true]] },
  {
    name: 'required dup',
    schema: { required: ['a', 'a'] },
    values: [
      [{ a: 1 }, true],
      [{}, false],
    ],
  },
  {
    name: 'dynamicRef loop',
    schema: { $dynamicAnchor: 'n', type: 'object', properties: { c: { $dynamicRef: '#n' } } },
    values: [
      [{ c: { c: {} } }, true],
      [{ c: 1 }, false],
    ],
  },
  {
    name: 'recursiveRef',
    schema: {
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      $recursiveAnchor: true,
      type: 'object',
      properties: { c: { $recursiveRef: '#' } },
    },
    values: [
      [{ c: {} }, true],
      [{ c: 1 }, false],
    ],
  },
  {
    name: 'ref to properties',
    schema: { properties: { a: { type: 'string' }, b: { $ref: '#/properties/a' } } },
    values: [
      [{ b: 'x' }, true],
      [{ b: 1 }, false],
    ],
  },
  {
    name: 'ref to root',
    schema: { type: 'object', properties: { a: { $ref: '#' } } },
    values: [
      [{ a: {} }, true],
      [{ a: 1 }, false],
    ],
  },
  {
    name: 'ref percent',
    schema: { $ref: '#/$defs/a%25b', $defs: { 'a%b': { type: 'string' } } },
    values: [
      ['x', true],
      [1, false],
    ],
  },
  {
    name: 'ref ~1 and ~01',
    schema: { $ref: '#/$defs/a~1b~01', $defs: { 'a/b~1': { type: 'string' } } },
    values: [
      ['x', true],
      [1, false],
    ],
  },
  {
    name: 'ref to array index',
    schema: { $ref: '#/$defs/u/anyOf/1', $defs: { u: { anyOf: [{ type: 'string' }, { type: 'number' }] } } },
    values: [
      ['x', false],
      [1, true],
    ],
  },
  {
    name: 'anchor',
    schema: { $defs: { x: { $anchor: 'foo', type: 'integer' } }, $ref: '#foo' },
    values: [
      [1, true],
      ['x', false],
    ],
  },
  {
    name: 'id nested',
    schema: {
      $id: 'https://e.com/root',
      $defs: { x: { $id: 'child', $defs: { y: { type: 'integer' } }, $ref: '#/$defs/y' } },
      $ref: 'child',
    },
    values: [
      [1, true],
      ['x', false],
    ],
  },
  {
    name: 'id abs ref',
    schema: {
      $id: 'https://e.com/root.json',
      $defs: { x: { type: 'integer' } },
      $ref: 'https://e.com/root.json#/$defs/x',
    },
    values: [
      [1, true],
      ['x', false],
    ],
  },
  {
    name: 'id relative ref same doc',
    schema: {
      $id: 'https://e.com/a/root.json',
      $defs: { x: { type: 'integer' } },
      properties: { p: { $ref: 'root.json#/$defs/x' } },
    },
    values: [
      [{ p: 1 }, true],
      [{ p: 'x' }, false],
    ],
  },
  {
    name: 'urn id',
    schema: {
      $id: 'urn:uuid:deadbeef-1234-ffff-ffff-4321feebdaed',
      properties: { p: { $ref: '#/$defs/x' } },
      $defs: { x: { type: 'integer' } },
    },
    values: [
      [{ p: 1 }, true],
      [{ p: 'x' }, false],
    ],
  },
  {
    name: 'd4 id + definitions',
    schema: {
      $schema: 'http://json-schema.org/draft-04/schema#',
      id: 'http://x.y/z',
      definitions: { p: { type: 'number', minimum: 0, exclusiveMinimum: true } },
      type: 'object',
      properties: { a: { $ref: '#/definitions/p' } },
    },
    values: [
      [{ a: 1 }, true],
      [{ a: 0 }, false],
    ],
  },
  {
    name: 'd4 id ref',
    schema: {
      $schema: 'http://json-schema.org/draft-04/schema#',
      definitions: { p: { id: '#pp', type: 'number' } },
      properties: { a: { $ref: '#pp' } },
    },
    values: [
      [{ a: 1 }, true],
      [{ a: 'x' }, false],
    ],
  },
  {
    name: 'd4 https no hash',
    schema: { $schema: 'https://json-schema.org/draft-04/schema', minimum: 1, exclusiveMinimum: true },
    values: [
      [1, false],
      [2, true],
    ],
  },
  {
    name: 'd4 dependencies',
    schema: { $schema: 'http://json-schema.org/draft-04/schema#', dependencies: { a: ['b'], c: { required: ['d'] } } },
    values: [
      [{ a: 1 }, false],
      [{ c: 1, d: 1 }, true],
      [{ c: 1 }, false],
    ],
  },
  {
    name: 'd4 items list',
    schema: { $schema: 'http://json-schema.org/draft-04/schema#', items: [{ type: 'string' }], additionalItems: false },
    values: [
      [['a'], true],
      [['a', 1], false],
      [[1], false],
    ],
  },
  {
    name: 'd4 const ignored',
    schema: { $schema: 'http://json-schema.org/draft-04/schema#', const: 1 },
    values: [[2, true]],
    warns: true,
  },
  {
    name: 'd4 type integer 1.0',
    schema: { $schema: 'http://json-schema.org/draft-04/schema#', type: 'integer' },
    values: [
      [1, true],
      [1.5, false],
    ],
  },
  {
    name: 'd7 ref siblings',
    schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: { a: { $ref: '#/definitions/s', maxLength: 1 } },
      definitions: { s: { type: 'string' } },
    },
    values: [[{ a: 'long' }, true]],
    warns: true,
  },
  {
    name: 'd19 ref siblings',
    schema: {
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      properties: { a: { $ref: '#/$defs/s', maxLength: 1 } },
      $defs: { s: { type: 'string' } },
    },
    values: [[{ a: 'long' }, false]],
  },
  {
    name: 'no schema ref siblings',
    schema: { properties: { a: { $ref: '#/definitions/s', maxLength: 1 } }, definitions: { s: { type: 'string' } } },
    values: [[{ a: 'long' }, false]],
  },
  {
    name: 'd7 if',
    schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      ...conditional({ type: 'string' }, { minLength: 2 }, {}),
    },
    values: [
      ['a', false],
      ['ab', true],
      [1, true],
    ],
  },
  {
    name: 'd7 contains',
    schema: { $schema: 'http://json-schema.org/draft-07/schema#', contains: { const: 1 } },
    values: [
      [[1], true],
      [[], false],
    ],
  },
  {
    name: 'd7 in 2020 file w/ items array',
    schema: { items: [{ type: 'string' }], additionalItems: false },
    values: [
      [['a'], true],
      [['a', 1], false],
    ],
  },
  {
    name: 'openapi nullable',
    schema: { type: 'object', properties: { a: { type: 'string', nullable: true } } },
    values: [
      [{ a: null }, true],
      [{ a: 1 }, false],
    ],
  },
  {
    name: 'openapi nullable enum',
    schema: { type: 'object', properties: { a: { type: 'string', nullable: true, enum: ['x'] } } },
    values: [
      [{ a: 'x' }, true],
      [{ a: null }, false],
    ],
  },
  {
    name: 'openapi discriminator',
    schema: {
      oneOf: [{ $ref: '#/components/schemas/A' }],
      discriminator: { propertyName: 'k' },
      components: { schemas: { A: { type: 'object', required: ['k'] } } },
    },
    values: [
      [{ k: 1 }, true],
      [{}, false],
    ],
  },
  {
    name: 'openapi example xml',
    schema: { type: 'object', properties: { a: { type: 'integer', format: 'int64', example: 5, xml: { name: 'b' } } } },
    values: [[{ a: 5 }, true]],
  },
  {
    name: 'openapi exclusiveMinimum true',
    schema: { type: 'number', minimum: 0, exclusiveMinimum: true, nullable: true },
    values: [
      [0, false],
      [null, true],
      [1, true],
    ],
  },
  {
    name: 'list root',
    schema: { type: 'array', items: { type: 'string' } },
    values: [
      [['a'], true],
      [{}, false],
    ],
  },
  {
    name: '["object"] root',
    schema: { type: ['object'], properties: { a: { type: 'string' } } },
    values: [
      [{ a: 'x' }, true],
      [[], false],
    ],
  },
  {
    name: 'enum root',
    schema: { enum: [1, 2] },
    values: [
      [1, true],
      [3, false],
    ],
  },
  { name: 'unknown keyword near', schema: { type: 'object', propertis: { a: {} } }, values: [[{}, true]], warns: true },
  { name: 'unknown format near', schema: { type: 'string', format: 'datetime' }, values: [['x', true]], warns: true },
  { name: 'maxlength', schema: { type: 'string', maxlength: 3 }, values: [['abcd', true]], warns: true },
  { name: 'x- ext', schema: { type: 'string', 'x-foo': 1 }, values: [['a', true]], warns: false },
  {
    name: 'optional impossible ok',
    schema: { type: 'object', properties: { a: { type: 'string', minLength: 3, maxLength: 1 } } },
    values: [
      [{}, true],
      [{ a: 'x' }, false],
    ],
  },
  {
    name: 'pattern lookahead + format',
    schema: { type: 'string', format: 'email', pattern: '^(?!admin)' },
    values: [
      ['a@b.co', true],
      ['admin@b.co', false],
      ['x', false],
    ],
  },
  {
    name: 'format null type',
    schema: { format: 'email' },
    values: [
      [1, true],
      [null, true],
      ['x', false],
    ],
  },
  {
    name: 'minLength emoji',
    schema: { minLength: 2 },
    values: [
      ['😀', false],
      ['😀a', true],
    ],
  },
  {
    name: 'maxLength combining',
    schema: { maxLength: 1 },
    values: [
      ['é', true],
      ['é', false],
    ],
  },
  {
    name: 'required constructor',
    schema: { required: ['constructor', 'toString'] },
    values: [
      [{}, false],
      [{ constructor: 1, toString: 2 }, true],
    ],
  },
  {
    name: 'property hasOwnProperty',
    schema: { properties: { hasOwnProperty: { type: 'string' } }, additionalProperties: false },
    values: [
      [{ hasOwnProperty: 'x' }, true],
      [{ hasOwnProperty: 1 }, false],
      [{ valueOf: 1 }, false],
    ],
  },
  {
    name: 'patternProperties overlap',
    schema: { patternProperties: { '^a': { type: 'string' }, b$: { minLength: 2 } }, additionalProperties: false },
    values: [
      [{ ab: 'xx' }, true],
      [{ ab: 'x' }, false],
      [{ c: 1 }, false],
    ],
  },
  {
    name: 'additionalProperties schema',
    schema: { properties: { a: true }, additionalProperties: { type: 'integer' } },
    values: [
      [{ a: 'x', b: 1 }, true],
      [{ b: 'x' }, false],
    ],
  },
  {
    name: 'dependentRequired',
    schema: { dependentRequired: { a: ['b'] } },
    values: [
      [{ a: 1 }, false],
      [{ b: 1 }, true],
    ],
  },
  {
    name: 'oneOf overlap',
    schema: { oneOf: [{ type: 'number' }, { type: 'integer' }] },
    values: [
      [1, false],
      [1.5, true],
    ],
  },
  {
    name: 'oneOf with required',
    schema: { oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    values: [
      [{ a: 1 }, true],
      [{ a: 1, b: 1 }, false],
      [{}, false],
    ],
  },
  {
    name: 'not required',
    schema: { not: { required: ['a'] } },
    values: [
      [{}, true],
      [{ a: 1 }, false],
    ],
  },
  {
    name: 'deep not',
    schema: {
      not: {
        not: {
          not: {
            not: {
              not: {
                not: {
                  not: {
                    not: {
                      not: {
                        not: {
                          not: {
                            not: {
                              not: {
                                not: {
                                  not: {
                                    not: {
                                      not: {
                                        not: {
                                          not: {
                                            not: {
                                              not: {
                                                not: {
                                                  not: {
                                                    not: {
                                                      not: {
                                                        not: {
                                                          not: {
                                                            not: {
                                                              not: {
                                                                not: {
                                                                  not: {
                                                                    not: {
                                                                      not: {
                                                                        not: {
                                                                          not: {
                                                                            not: {
                                                                              not: {
                                                                                not: {
                                                                                  not: {
                                                                                    not: { not: { type: 'string' } },
                                                                                  },
                                                                                },
                                                                              },
                                                                            },
                                                                          },
                                                                        },
                                                                      },
                                                                    },
                                                                  },
                                                                },
                                                              },
                                                            },
                                                          },
                                                        },
                                                      },
                                                    },
                                                  },
                                                },
                                              },
                                            },
                                          },
                                        },
                                      },
                                    },
                                  },
                                },
                              },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    values: [
      [1, true],
      ['x', false],
    ],
  },
  {
    name: 'contentEncoding',
    schema: { type: 'string', contentEncoding: 'base64', contentMediaType: 'application/json' },
    values: [['!!', true]],
    warns: true,
  },
  {
    name: '$comment,$vocabulary',
    schema: {
      $comment: 'x',
      title: 't',
      examples: [1],
      deprecated: true,
      readOnly: true,
      writeOnly: false,
      default: 5,
      type: 'integer',
    },
    values: [[1, true]],
    warns: false,
  },
  { name: 'default invalid', schema: { type: 'integer', default: 'x' }, values: [[1, true]] },
  { name: 'examples not list', schema: { examples: 'x' }, values: [[1, true]] },
  { name: 'title number', schema: { title: 5 }, values: [[1, true]] },
  {
    name: 'definitions of 2020 kept',
    schema: {
      definitions: { a: { type: 'string' } },
      $defs: { a: { type: 'number' } },
      properties: { x: { $ref: '#/definitions/a' }, y: { $ref: '#/$defs/a' } },
    },
    values: [
      [{ x: 's', y: 1 }, true],
      [{ x: 1 }, false],
    ],
  },
  { name: 'draft latest', schema: { $schema: 'http://json-schema.org/schema#', type: 'object' }, values: [[{}, true]] },
  {
    name: 'openapi 3.1 dialect',
    schema: { $schema: 'https://spec.openapis.org/oas/3.1/dialect/base', type: 'object' },
    values: [[{}, true]],
  },
  { name: 'number 1e400', schema: { type: 'number' }, values: [[Infinity, false]] },
  {
    name: 'maxItems 0',
    schema: { maxItems: 0 },
    values: [
      [[], true],
      [[1], false],
    ],
  },
  {
    name: 'prefixItems short',
    schema: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
    values: [
      [['a'], true],
      [['a', 1], true],
      [['a', 1, 2], false],
    ],
  },
  { name: '$id with fragment', schema: { $id: '#root', type: 'object' }, values: [[{}, true]] },
]

const refused: [name: string, schema: unknown][] = [
  ['minItems -1', { minItems: -1 }],
  ['minItems 1.5', { minItems: 1.5 }],
  ['minLength "3"', { minLength: '3' }],
  ['multipleOf 0', { multipleOf: 0 }],
  ['multipleOf -1', { multipleOf: -1 }],
  ['enum empty', { enum: [] }],
  ['type []', { type: [] }],
  ['type "any"', { type: 'any' }],
  ['type int alias', { type: 'int' }],
  ['type String', { type: 'String' }],
  ['required string', { required: 'a' }],
  ['required true (draft3)', { properties: { a: { type: 'string', required: true } } }],
  ['properties array', { properties: [] }],
  ['anyOf empty', { anyOf: [] }],
  ['items null', { items: null }],
  ['not array', { not: [] }],
  ['dynamicRef self', { $dynamicAnchor: 'n', $dynamicRef: '#n' }],
  ['ref loop', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }],
  ['ref missing', { $ref: '#/$defs/no' }],
  ['ref remote', { $ref: 'https://example.com/x.json' }],
  ['ref file', { $ref: 'file:///etc/passwd' }],
  ['ref number', { $ref: 1 }],
  ['ref into non-schema', { $ref: '#/title', title: 'x' }],
  ['ref to constructor', { $ref: '#/$defs/constructor' }],
  ['ref to __proto__', { $ref: '#/__proto__' }],
  ['bool root true', true],
  ['array root', []],
  ['null', null],
  ['string', '{}'],
  ['impossible type', { type: 'string', enum: [1] }],
  ['impossible bounds', { type: 'number', minimum: 2, maximum: 1 }],
  ['impossible allOf', { allOf: [{ type: 'string' }, { type: 'number' }] }],
  ['impossible required false', { type: 'object', properties: { a: false }, required: ['a'] }],
  ['impossible minItems', { type: 'array', minItems: 3, maxItems: 2 }],
  ['impossible const+enum', { const: 1, enum: [2] }],
  ['impossible not {}', { not: {} }],
  [
    'impossible nested required',
    { type: 'object', properties: { a: { type: 'string', minLength: 3, maxLength: 1 } }, required: ['a'] },
  ],
  ['infinite recursion required', { type: 'object', properties: { c: { $ref: '#' } }, required: ['c'] }],
  ['exclusive impossible', { type: 'number', exclusiveMinimum: 1, maximum: 1 }],
  ['integer none between', { type: 'integer', minimum: 1.2, maximum: 1.8 }],
  ['multipleOf none', { type: 'integer', multipleOf: 10, minimum: 1, maximum: 9 }],
  ['property __proto__ refused', JSON.parse('{"properties":{"__proto__":{"type":"string"}}}')],
  ['unknown $schema', { $schema: 'https://example.com/meta', type: 'object' }],
  ['$schema empty', { $schema: '', type: 'object' }],
  ['draft-03', { $schema: 'http://json-schema.org/draft-03/schema#', type: 'object' }],
]

describe('a schema is accepted, and each value has its verdict:', () => {
  test.each(accepted)('$name', ({ schema, values, warns }) => {
    const door = checkSchema(schema)
    expect(door).toMatchObject({ ok: true })
    if (warns !== undefined && door.ok) expect(door.warnings.length > 0).toBe(warns)
    const validator = createValidator(schema as Record<string, unknown>)
    for (const [value, valid] of values) expect([value, validator.validate(value).valid]).toEqual([value, valid])
  })
})

describe('a schema that is wrong, or that no value can match, is refused with its place:', () => {
  test.each(refused)('%s', (_, schema) => {
    expect(checkSchema(schema)).toEqual({ ok: false, pointer: expect.any(String), message: expect.any(String) })
  })
})
