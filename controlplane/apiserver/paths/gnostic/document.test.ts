import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { openAPIv2, servedResources } from "../../../api/mod.ts";
import { encodeSwagger } from "./document.ts";
import { ProtobufWriter } from "./writer.ts";

/** The parts of gnostic's openapiv2/OpenAPIv2.proto that kubectl looks at. */
const definitions = protobuf.parse(
  `
  syntax = "proto3";
  message Document { string swagger = 1; Info info = 2; Paths paths = 8; Schemas definitions = 9; repeated NamedAny vendor_extension = 16; }
  message Info { string title = 1; string version = 2; }
  message Any { string yaml = 2; }
  message NamedAny { string name = 1; Any value = 2; }
  message Paths { repeated NamedPathItem path = 2; }
  message NamedPathItem { string name = 1; PathItem value = 2; }
  message PathItem { Operation get = 2; Operation patch = 8; repeated ParametersItem parameters = 9; }
  message Operation { string description = 3; repeated string consumes = 7; repeated ParametersItem parameters = 8; Responses responses = 9; repeated NamedAny vendor_extension = 13; }
  message ParametersItem { Parameter parameter = 1; Reference json_reference = 2; }
  message Reference { string ref = 1; string description = 2; }
  message Parameter { Body body_parameter = 1; NonBody non_body_parameter = 2; }
  message Body { string description = 1; string name = 2; string in = 3; bool required = 4; Schema schema = 5; }
  message NonBody { Plain header = 1; Emptiable form = 2; Emptiable query = 3; Plain path = 4; }
  message Plain { bool required = 1; string in = 2; string description = 3; string name = 4; string type = 5; int64 min_length = 15; bool unique_items = 19; }
  message Emptiable { bool required = 1; string in = 2; string description = 3; string name = 4; bool allow_empty_value = 5; string type = 6; bool unique_items = 20; }
  message Responses { repeated NamedResponse response_code = 1; }
  message NamedResponse { string name = 1; ResponseValue value = 2; }
  message ResponseValue { Response response = 1; Reference json_reference = 2; }
  message Response { string description = 1; SchemaItem schema = 2; }
  message SchemaItem { Schema schema = 1; }
  message Schemas { repeated NamedSchema additional_properties = 1; }
  message NamedSchema { string name = 1; Schema value = 2; }
  message Schema {
    string ref = 1; string format = 2; string description = 4; Any default = 5; double maximum = 7; repeated string required = 19;
    repeated Any enum = 20; Additional additional_properties = 21; Texts type = 22; Items items = 23; repeated Schema all_of = 24;
    Schemas properties = 25; repeated NamedAny vendor_extension = 31;
  }
  message Additional { oneof either { Schema schema = 1; bool boolean = 2; } }
  message Texts { repeated string value = 1; }
  message Items { repeated Schema schema = 1; }
`,
  { keepCase: true },
).root;

// biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every kind.
function decoded(document: Record<string, unknown>): any {
  const type = definitions.lookupType("Document");
  return type.toObject(type.decode(encodeSwagger(document)), { longs: Number });
}

interface Schema {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** What becomes of a schema, said once more, the other way round. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
function toSchema(message: any): Schema {
  const named = (pairs: { name: string; value: unknown }[], value: (it: never) => unknown) =>
    Object.fromEntries(pairs.map((pair) => [pair.name, value(pair.value as never)]));
  const { ref, type, items, properties, additional_properties: additional, default: byDefault, ...plain } = message;
  const { vendor_extension: extensions, ...rest } = plain;
  return {
    ...rest,
    ...(ref && { $ref: ref }),
    ...(type && { type: type.value[0] }),
    ...(items && { items: toSchema(items.schema[0]) }),
    ...(properties && { properties: named(properties.additional_properties ?? [], toSchema) }),
    ...(additional?.schema && { additionalProperties: toSchema(additional.schema) }),
    ...(byDefault && { default: JSON.parse(byDefault.yaml) }),
    ...(extensions && named(extensions, ({ yaml }: { yaml: string }) => JSON.parse(yaml))),
  };
}

describe("what the server publishes", () => {
  const document = openAPIv2(servedResources, { version: "v1.33.0" }) as {
    definitions: Record<string, Schema>;
    paths: Record<string, Record<string, unknown>>;
  };
  const message = decoded(document);

  test("has every definition, whole", () => {
    expect(message).toMatchObject({ swagger: "2.0", info: { title: "Kubernetes", version: "v1.33.0" } });
    // To protobuf an empty text is no text.
    const withoutEmpty = JSON.parse(JSON.stringify(document.definitions), (name, value) =>
      name === "description" && value === "" ? undefined : value,
    );
    const pairs: { name: string; value: unknown }[] = message.definitions.additional_properties;
    expect(Object.fromEntries(pairs.map(({ name, value }) => [name, toSchema(value)]))).toEqual(withoutEmpty);
  });

  test("has every path, with its operations and their parameters", () => {
    const paths: { name: string; value: Record<string, unknown> }[] = message.paths.path;
    expect(paths.map(({ name }) => name)).toEqual(Object.keys(document.paths));
    const path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
    const { patch, parameters } = paths.find(({ name }) => name === path)?.value ?? {};
    expect(parameters).toContainEqual({
      parameter: {
        non_body_parameter: {
          path: {
            name: "name",
            in: "path",
            required: true,
            type: "string",
            unique_items: true,
            description: "Name of the object.",
          },
        },
      },
    });
    expect(patch).toMatchObject({
      consumes: expect.arrayContaining(["application/strategic-merge-patch+json"]),
      parameters: expect.arrayContaining([
        { parameter: { non_body_parameter: { query: expect.objectContaining({ name: "dryRun", type: "string" }) } } },
      ]),
      responses: {
        response_code: expect.arrayContaining([
          {
            name: "200",
            value: {
              response: {
                description: "OK",
                schema: { schema: { ref: "#/definitions/io.k8s.api.apps.v1.Deployment" } },
              },
            },
          },
        ]),
      },
      vendor_extension: expect.arrayContaining([
        {
          name: "x-kubernetes-group-version-kind",
          value: { yaml: '{"group":"apps","version":"v1","kind":"Deployment"}' },
        },
      ]),
    });
  });
});

describe("what the format asks for", () => {
  const schema = (value: object) => decoded({ definitions: { It: value } }).definitions.additional_properties[0].value;

  test("alternatives say which of them is meant, even when it is false", () => {
    expect(schema({ additionalProperties: false }).additional_properties).toEqual({ boolean: false });
    expect(schema({ additionalProperties: { type: "string" } }).additional_properties).toEqual({
      schema: { type: { value: ["string"] } },
    });
  });

  test("values of any form are text", () => {
    expect(schema({ default: { a: [1, null] }, enum: ["", 0], maximum: 0.5 })).toEqual({
      default: { yaml: '{"a":[1,null]}' },
      enum: [{ yaml: '""' }, { yaml: "0" }],
      maximum: 0.5,
    });
  });

  test("a property may be called anything, x-ray or constructor too", () => {
    const names = ["x-ray", "constructor", "description", "größe"];
    const properties = Object.fromEntries(names.map((name) => [name, { description: name }]));
    expect(toSchema(schema({ properties })).properties).toEqual(properties);
  });

  test("parameters are told apart by their place, and may be references", () => {
    const parameters = [
      { name: "body", in: "body", required: true, schema: { $ref: "#/definitions/It" } },
      { name: "X-Header", in: "header", type: "string", minLength: 300 },
      { name: "dry", in: "query", allowEmptyValue: true, type: "string" },
      { $ref: "#/parameters/name" },
    ];
    expect(decoded({ paths: { "/it": { parameters } } }).paths.path[0].value.parameters).toEqual([
      {
        parameter: {
          body_parameter: { name: "body", in: "body", required: true, schema: { ref: "#/definitions/It" } },
        },
      },
      {
        parameter: {
          non_body_parameter: { header: { name: "X-Header", in: "header", type: "string", min_length: 300 } },
        },
      },
      {
        parameter: {
          non_body_parameter: { query: { name: "dry", in: "query", allow_empty_value: true, type: "string" } },
        },
      },
      { json_reference: { ref: "#/parameters/name" } },
    ]);
  });

  test("what has no place is not dropped silently", () => {
    expect(() => encodeSwagger({ swagger: "2.0", openapi: "3.0.0" })).toThrow(/has its place: openapi/);
    expect(() => encodeSwagger({ paths: { "/it": { parameters: [{ name: "c", in: "cookie" }] } } })).toThrow(
      /a parameter is in/,
    );
  });
});

test.each([0, 1, 127, 128, 16_383, 16_384, 3_000_000])(
  "an embedded message of %i bytes gets its length, whatever the buffer",
  (size) => {
    const type = definitions.lookupType("Any");
    for (const expected of [1, size, size + 1, size + 2, size + 3, size + 4, size + 16]) {
      const writer = new ProtobufWriter(expected);
      writer.string(2, "x".repeat(size));
      writer.string(3, "behind it");
      const { yaml } = type.toObject(type.decode(writer.bytes), { defaults: true }) as { yaml: string };
      expect(yaml.length).toBe(size);
    }
  },
);
