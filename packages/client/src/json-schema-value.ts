/**
 * The type that a JSON Schema describes, if the schema's own type is exact (written in place, or `as const`). Unknown where a type cannot
 * express it (`$ref`, `allOf`, a schema read from a file). Objects have only the names of `properties`, so that a wrong name does not
 * compile, although JSON Schema allows others.
 */
export type JsonSchemaValue<S> = S extends { readonly const: infer Constant }
  ? Constant
  : S extends { readonly enum: readonly (infer Choice)[] }
    ? Choice
    : S extends { readonly type: readonly (infer Type)[] }
      ? ValueOfType<Type, S>
      : S extends { readonly type: infer Type }
        ? ValueOfType<Type, S>
        : S extends { readonly anyOf: readonly (infer Branch)[] }
          ? JsonSchemaValue<Branch>
          : S extends { readonly oneOf: readonly (infer Branch)[] }
            ? JsonSchemaValue<Branch>
            : unknown

type ValueOfType<Type, S> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : Type extends 'null'
        ? null
        : Type extends 'array'
          ? ArrayValue<S>
          : Type extends 'object'
            ? ObjectValue<S>
            : unknown

type ArrayValue<S> = S extends { readonly items: infer Items } ? JsonSchemaValue<Items>[] : unknown[]

type ObjectValue<S> = S extends { readonly properties: infer Properties }
  ? Together<
      {
        -readonly [Key in keyof Properties as Key extends RequiredOf<S> ? Key : never]: JsonSchemaValue<Properties[Key]>
      } & {
        -readonly [Key in keyof Properties as Key extends RequiredOf<S> ? never : Key]?: JsonSchemaValue<
          Properties[Key]
        >
      }
    >
  : S extends { readonly additionalProperties: infer Values extends object }
    ? Record<string, JsonSchemaValue<Values>>
    : Record<string, unknown>

type RequiredOf<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never

/** Merges an intersection into one object type, which editors show readably. */
type Together<T> = { [Key in keyof T]: T[Key] }
