import { assert } from "../../../../base/mod.ts";
import { any, choice, count, double, each, flag, map, members, message, type Shape, text, within } from "./shapes.ts";
import { ProtobufWriter } from "./writer.ts";

/** What the answer is called, and what clients also call it: `@` is not allowed in a media type, but kubectl asks for it to this day. */
export const gnosticMediaType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
export const gnosticMediaTypes: readonly string[] = [
  gnosticMediaType,
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

/**
 * A Swagger 2.0 document as gnostic's protobuf `openapi.v2.Document`: the only form in which kubectl reads /openapi/v2. The numbers
 * are those of google/gnostic-models, openapiv2/OpenAPIv2.proto. Left out is what our documents never hold: files, headers, examples,
 * XML, security, descriptions of tags, contacts and licenses. Throws `InvariantViolation` for a document that holds one.
 */
export function encodeSwagger(document: Readonly<Record<string, unknown>>): Uint8Array {
  const writer = new ProtobufWriter(1 << 18);
  writeDocument(writer, document);
  return writer.bytes;
}

/** Consecutive numbers, as most messages have them. */
function numbered(first: number, shapes: Readonly<Record<string, Shape>>): Record<string, readonly [number, Shape]> {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, [first + i, shape]]));
}

const texts = each(text);
const values = each(any);
const reference = message({ fields: () => numbered(1, { $ref: text, description: text }) });
const isReference = (value: unknown) => typeof value === "object" && value !== null && "$ref" in value;

const externalDocs = message({ fields: () => numbered(1, { description: text, url: text }), extensions: 3 });

const bounds = {
  maximum: double,
  exclusiveMaximum: flag,
  minimum: double,
  exclusiveMinimum: flag,
  maxLength: count,
  minLength: count,
  pattern: text,
  maxItems: count,
  minItems: count,
  uniqueItems: flag,
};

const schema: Shape = message({
  fields: () => ({
    ...numbered(1, { $ref: text, format: text, title: text, description: text, default: any, multipleOf: double }),
    ...numbered(7, { ...bounds, maxProperties: count, minProperties: count, required: texts, enum: values }),
    ...numbered(21, {
      additionalProperties: choice((value) => (typeof value === "boolean" ? within(2, flag) : within(1, schema))),
      type: within(1, texts),
      items: within(1, each(schema)),
      allOf: each(schema),
      properties: schemas,
      discriminator: text,
      readOnly: flag,
    }),
    externalDocs: [29, externalDocs],
    example: [30, any],
  }),
  extensions: 31,
});

const schemas = map(1, () => schema);

/** What parameters that are not bodies, and items of such, have in common. */
function primitive(first: number): Record<string, readonly [number, Shape]> {
  const start = { type: text, format: text, items: primitiveItems, collectionFormat: text, default: any };
  return numbered(first, { ...start, ...bounds, enum: values, multipleOf: double });
}

const primitiveItems: Shape = message({ fields: () => primitive(1), extensions: 18 });

const place = { required: flag, in: text, description: text, name: text };

/** Headers and paths. */
const plainParameter = message({ fields: () => ({ ...numbered(1, place), ...primitive(5) }), extensions: 22 });

/** Queries and forms. */
const emptiableParameter = message({
  fields: () => ({ ...numbered(1, { ...place, allowEmptyValue: flag }), ...primitive(6) }),
  extensions: 23,
});

const bodyParameter = message({
  fields: () => numbered(1, { description: text, name: text, in: text, required: flag, schema }),
  extensions: 6,
});

/** By what `in` says. */
const parameters: Readonly<Record<string, Shape>> = {
  body: within(1, bodyParameter),
  header: within(2, within(1, plainParameter)),
  formData: within(2, within(2, emptiableParameter)),
  query: within(2, within(3, emptiableParameter)),
  path: within(2, within(4, plainParameter)),
};

const parameter = choice((value) => {
  const shape = parameters[(value as { in: string }).in];
  assert(shape !== undefined, "a parameter is in the body, a header, a form, the query or the path");
  return shape;
});
const parameterOrReference = choice((value) => (isReference(value) ? within(2, reference) : within(1, parameter)));

const response = message({
  fields: () => numbered(1, { description: text, schema: within(1, schema) }),
  extensions: 5,
});

const responses = message({
  others: [1, choice((value) => (isReference(value) ? within(2, reference) : within(1, response)))],
  extensions: 2,
});

const operation = message({
  fields: () =>
    numbered(1, {
      tags: texts,
      summary: text,
      description: text,
      externalDocs,
      operationId: text,
      produces: texts,
      consumes: texts,
      parameters: each(parameterOrReference),
      responses,
      schemes: texts,
      deprecated: flag,
    }),
  extensions: 13,
});

const pathItem = message({
  fields: () => ({
    $ref: [1, text],
    ...numbered(2, {
      get: operation,
      put: operation,
      post: operation,
      delete: operation,
      options: operation,
      head: operation,
      patch: operation,
      parameters: each(parameterOrReference),
    }),
  }),
  extensions: 10,
});

const info = message({
  fields: () => numbered(1, { title: text, version: text, description: text, termsOfService: text }),
  extensions: 7,
});

const writeDocument = members({
  fields: () =>
    numbered(1, {
      swagger: text,
      info,
      host: text,
      basePath: text,
      schemes: texts,
      consumes: texts,
      produces: texts,
      paths: message({ others: [2, pathItem], extensions: 1 }),
      definitions: schemas,
      parameters: map(1, () => parameter),
      responses: map(1, () => response),
    }),
  extensions: 16,
});
