import { join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { fieldNames, fromOracle, kindsOf, toOracle, values } from "../oracle.testing.ts";
import { MessageSchema } from "../wire/message.ts";
import * as csi from "./mod.ts";

const root = new protobuf.Root();
const google = root.resolvePath.bind(root);
root.resolvePath = (origin, target) =>
  target.startsWith("google/") ? google("", target) : (protobuf.util.path.resolve(origin, target) as string);
root.loadSync(join(import.meta.dirname, "csi.proto"), { keepCase: true });
root.add(
  new protobuf.Type("Entry").add(new protobuf.Field("key", 1, "string")).add(new protobuf.Field("value", 2, "string")),
);
for (const type of types(root)) {
  for (const field of type.fieldsArray) {
    // Our codecs know maps as what they are on the wire: lists of pairs.
    if (field instanceof protobuf.MapField) {
      type.remove(field);
      type.add(new protobuf.Field(field.name, field.id, "Entry", "repeated"));
    }
    // None of CSI's int32 fields may be negative.
    if (field.type === "int32") field.type = "uint32";
  }
}
root.resolveAll();

function types(space: protobuf.NamespaceBase): protobuf.Type[] {
  return space.nestedArray.flatMap((nested) => [
    ...(nested instanceof protobuf.Type ? [nested] : []),
    ...(nested instanceof protobuf.Namespace ? types(nested) : []),
  ]);
}

const schemas = Object.values(csi)
  .filter((value): value is MessageSchema<never> => (value as unknown) instanceof MessageSchema)
  .map((schema) => [schema.name.replace("csi.v1.Entry", "Entry"), schema] as const);

test("every message of csi.proto has a schema", () => {
  const names = new Set(schemas.map(([name]) => name));
  const declared = types(root.lookup("csi.v1") as protobuf.Namespace).map(({ fullName }) => fullName.slice(1));
  expect(declared.filter((name) => !names.has(name))).toEqual([]);
});

test("every method of csi.proto is described", () => {
  const declared = ["Identity", "Controller", "Node"].flatMap((name) =>
    root.lookupService(`csi.v1.${name}`).methodsArray.map((method) => {
      const [request, response] = [method.resolvedRequestType, method.resolvedResponseType];
      return [`/csi.v1.${name}/${method.name}`, request?.fullName.slice(1), response?.fullName.slice(1)];
    }),
  );
  const described = [csi.IdentityService, csi.ControllerService, csi.NodeService].flatMap(({ methods }) =>
    Object.values(methods).map(({ path, request, response }) => [path, request.name, response.name]),
  );
  expect(described).toEqual(declared);
});

describe.each(schemas)("%s", (name, schema: MessageSchema<unknown>) => {
  test("has the fields of csi.proto, is understood by protobufjs, and understands it", () => {
    const type = root.lookupType(name);
    expect(kindsOf(schema).map((kind) => kind.replace("csi.v1.Entry", "Entry"))).toEqual(fieldNames(type));
    fc.assert(
      fc.property(values(schema), (value) => {
        const ours = schema.encode(value as never);
        expect(fromOracle(schema, type.decode(ours))).toEqual(schema.create(value as never));
        const theirs = type.encode(toOracle(schema, type, value)).finish();
        expect(schema.decode(theirs)).toEqual(schema.create(value as never));
      }),
      { numRuns: 10 },
    );
  });
});

test("maps come back, in one order", () => {
  const map = { zone: "b", region: "a" };
  expect(csi.toEntries(map)[0]).toEqual({ key: "region", value: "a" });
  expect(csi.fromEntries(csi.toEntries(map))).toEqual(map);
});
