import { globSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { fieldNames, fromOracle, kindsOf, toOracle, values } from "./oracle.testing.ts";
import * as services from "./services.ts";
import { MessageSchema } from "./wire/message.ts";

const root = new protobuf.Root();
root.resolvePath = (_, target) => join(import.meta.dirname, "definitions", target.split("/").at(-1) as string);
root.loadSync(globSync("*.proto", { cwd: join(import.meta.dirname, "definitions") }), { keepCase: true }).resolveAll();

const modules = await Promise.all(
  globSync("messages/!(*.test).ts", { cwd: import.meta.dirname }).map(
    (file) => import(join(import.meta.dirname, file)),
  ),
);
const schemas = modules
  .flatMap((module): unknown[] => Object.values(module))
  .filter((value) => value instanceof MessageSchema)
  .map((schema) => [schema.name, schema] as const);

function all<T extends protobuf.ReflectionObject>(
  kind: new (...args: never[]) => T,
  space: protobuf.NamespaceBase = root,
): T[] {
  return space.nestedArray.flatMap((nested) => [
    ...(nested instanceof kind ? [nested] : []),
    ...(nested instanceof protobuf.Namespace ? all(kind, nested) : []),
  ]);
}

test("every message of the .proto files has a schema, and no other", () => {
  const declared = all(protobuf.Type).map((type) => type.fullName.slice(1));
  expect(schemas.map(([name]) => name).sort()).toEqual(declared.sort());
});

test("every service and method of the .proto files is described, and no other", () => {
  const declared = all(protobuf.Service).flatMap((service) =>
    service.methodsArray.map((method) => {
      const kind = method.requestStream ? "bidi" : method.responseStream ? "serverStream" : "unary";
      const [request, response] = [method.resolvedRequestType, method.resolvedResponseType];
      return [`/${service.fullName.slice(1)}/${method.name}`, kind, request?.fullName, response?.fullName];
    }),
  );
  const described = Object.values(services).flatMap(({ methods }) =>
    Object.values(methods).map(({ path, kind, request, response }) => [
      path,
      kind,
      `.${request.name}`,
      `.${response.name}`,
    ]),
  );
  expect(described.sort()).toEqual(declared.sort());
});

describe.each(schemas)("%s", (name, schema) => {
  const type = root.lookupType(name);

  test("has the fields of its .proto file", () => {
    expect(kindsOf(schema)).toEqual(fieldNames(type));
  });

  test("is understood by protobufjs, and understands it", () => {
    fc.assert(
      fc.property(values(schema), (value) => {
        const ours = schema.encode(value as never);
        expect(fromOracle(schema, type.decode(ours))).toEqual(schema.create(value as never));
        const theirs = type.encode(toOracle(schema, type, value)).finish();
        expect(schema.decode(theirs)).toEqual(schema.create(value as never));
      }),
      { numRuns: 40 },
    );
  });

  test("comes back from its own encoding, inside a larger buffer too", () => {
    fc.assert(
      fc.property(values(schema), (value) => {
        const whole = schema.create(value as never);
        const encoded = schema.encode(value as never);
        expect(schema.decode(encoded)).toEqual(whole);
        const size = schema.size(value as never);
        const roomy = new Uint8Array(size + 7).fill(0xff);
        expect(schema.write(value as never, roomy, 3)).toBe(3 + size);
        expect(roomy.subarray(3, 3 + size)).toEqual(encoded);
        expect(schema.decodeRange(roomy, 3, 3 + size)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });
});
