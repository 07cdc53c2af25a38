import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deployment } from "../types/apps/deployment.ts";
import { Pod } from "../types/core/pod.ts";
import { Service } from "../types/core/service.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

describe("JSON patch (the examples of RFC 6902, appendix A)", () => {
  test.each<[string, unknown, unknown[], unknown]>([
    ["A.1 adds a member", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { foo: "bar", baz: "qux" }],
    [
      "A.2 adds an element",
      { foo: ["bar", "baz"] },
      [{ op: "add", path: "/foo/1", value: "qux" }],
      { foo: ["bar", "qux", "baz"] },
    ],
    ["A.3 removes a member", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    [
      "A.4 removes an element",
      { foo: ["bar", "qux", "baz"] },
      [{ op: "remove", path: "/foo/1" }],
      { foo: ["bar", "baz"] },
    ],
    ["A.5 replaces", { baz: "qux" }, [{ op: "replace", path: "/baz", value: "boo" }], { baz: "boo" }],
    [
      "A.6 moves a member",
      { foo: { bar: 1 }, qux: {} },
      [{ op: "move", from: "/foo/bar", path: "/qux/thud" }],
      { foo: {}, qux: { thud: 1 } },
    ],
    [
      "A.7 moves an element",
      { foo: [1, 2, 3, 4] },
      [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      { foo: [1, 3, 4, 2] },
    ],
    [
      "A.8 tests",
      { baz: "qux", foo: ["a", 2] },
      [{ op: "test", path: "/foo/1", value: 2 }],
      { baz: "qux", foo: ["a", 2] },
    ],
    ["A.14 unescapes", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    ["A.16 appends", { foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["abc"] }], { foo: ["bar", ["abc"]] }],
    ["copies", { a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
    ["replaces the whole", { a: 1 }, [{ op: "replace", path: "", value: [] }], []],
  ])("%s", (_, document, patch, expected) =>
    expect(applyJsonPatch(document, patch)).toEqual({ ok: true, value: expected }),
  );

  test.each<[string, unknown, RegExp, boolean]>([
    ["a failed test", [{ op: "test", path: "/a", value: 2 }], /testing value \/a failed/, false],
    ["a missing member", [{ op: "remove", path: "/x" }], /missing/, false],
    ["a missing parent", [{ op: "add", path: "/x/y", value: 1 }], /missing/, false],
    ["an index out of bounds", [{ op: "add", path: "/list/2", value: 1 }], /out of bounds/, false],
    ["an index with a leading zero", [{ op: "replace", path: "/list/00", value: 1 }], /out of bounds/, false],
    ["an unknown operation", [{ op: "increment", path: "/a" }], /Unexpected kind/, true],
    ["no list of operations", { op: "add" }, /must be an array/, true],
    ["a value left out", [{ op: "add", path: "/b" }], /without a value/, true],
    ["a move into itself", [{ op: "move", from: "/list", path: "/list/0" }], /into itself/, false],
  ])("%s is refused", (_, patch, message, malformed) => {
    const result = applyJsonPatch({ a: 1, list: [1] }, patch);
    expect(result).toMatchObject({ ok: false, malformed, message: expect.stringMatching(message) });
  });

  test("the document itself is never changed, and add and remove undo each other", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (document, key, value) => {
        fc.pre(!Object.hasOwn(document, key) && key !== "__proto__");
        const before = structuredClone(document);
        const path = `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const added = applyJsonPatch(document, [
          { op: "add", path, value },
          { op: "test", path, value },
        ]);
        expect(document).toEqual(before);
        if (!added.ok) throw new Error(added.message);
        expect(applyJsonPatch(added.value, [{ op: "remove", path }])).toEqual({ ok: true, value: before });
      }),
    );
  });
});

describe("merge patch (RFC 7386)", () => {
  test.each<[unknown, unknown, unknown]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j", (target, patch, expected) => expect(applyMergePatch(target, patch)).toEqual(expected));

  test("applied twice it changes no more than applied once", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = applyMergePatch(target, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
      }),
    );
  });
});

describe("strategic merge patch", () => {
  const pod = {
    metadata: { finalizers: ["a/x", "b/y"], labels: { app: "web", tier: "front" } },
    spec: {
      containers: [
        { name: "web", image: "web:1", args: ["a", "b"], env: [{ name: "COLOR", value: "red" }] },
        { name: "log", image: "log:1" },
      ],
      tolerations: [{ key: "a" }],
      volumes: [{ name: "data", emptyDir: {} }],
    },
  };

  function patched(patch: unknown, target: unknown = pod) {
    const result = applyStrategicMergePatch(Pod, target, patch);
    if (!result.ok) throw new Error(result.message);
    return result.value as typeof pod;
  }

  test("items with a merge key are merged, others are appended", () => {
    const { containers } = patched({ spec: { containers: [{ name: "web", image: "web:2" }, { name: "new" }] } }).spec;
    expect(containers).toEqual([
      { ...pod.spec.containers[0], image: "web:2" },
      pod.spec.containers[1],
      { name: "new" },
    ]);
  });

  test("lists without a merge key are replaced", () => {
    const { spec } = patched({ spec: { tolerations: [{ key: "b" }], containers: [{ name: "web", args: ["c"] }] } });
    expect(spec.tolerations).toEqual([{ key: "b" }]);
    expect(spec.containers[0]?.args).toEqual(["c"]);
  });

  test("null deletes, also deep inside items", () => {
    expect(patched({ metadata: { labels: { tier: null } } }).metadata.labels).toEqual({ app: "web" });
    expect(patched({ spec: { containers: [{ name: "web", args: null }] } }).spec.containers[0]).not.toHaveProperty(
      "args",
    );
  });

  test("$patch: delete takes an item out, $patch: replace replaces list or object", () => {
    const without = patched({ spec: { containers: [{ name: "log", $patch: "delete" }] } }).spec.containers;
    expect(without.map(({ name }) => name)).toEqual(["web"]);
    const replaced = patched({ spec: { containers: [{ $patch: "replace" }, { name: "only" }] } }).spec.containers;
    expect(replaced).toEqual([{ name: "only" }]);
    expect(patched({ metadata: { labels: { $patch: "replace", a: "b" } } }).metadata.labels).toEqual({ a: "b" });
  });

  test("sets of scalars are united; $deleteFromPrimitiveList takes out", () => {
    expect(patched({ metadata: { finalizers: ["b/y", "c/z"] } }).metadata.finalizers).toEqual(["a/x", "b/y", "c/z"]);
    const patch = { metadata: { "$deleteFromPrimitiveList/finalizers": ["a/x"] } };
    expect(patched(patch).metadata.finalizers).toEqual(["b/y"]);
  });

  test("$retainKeys leaves only the keys it names: a volume changes its kind", () => {
    const patch = {
      spec: { volumes: [{ name: "data", $retainKeys: ["name", "configMap"], configMap: { name: "c" } }] },
    };
    expect(patched(patch).spec.volumes).toEqual([{ name: "data", configMap: { name: "c" } }]);
  });

  test("the same for a Deployment's strategy", () => {
    const target = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(applyStrategicMergePatch(Deployment, target, patch)).toEqual({
      ok: true,
      value: { spec: { strategy: { type: "Recreate" } } },
    });
  });

  test("$setElementOrder orders what it names; others keep their place before what they preceded", () => {
    const order = (...names: string[]) => names.map((name) => ({ name }));
    const ordered = patched({
      spec: {
        "$setElementOrder/containers": order("new", "web"),
        containers: [{ name: "new" }],
      },
    }).spec.containers.map(({ name }) => name);
    expect(ordered).toEqual(["new", "web", "log"]);
    const reordered = patched({ spec: { "$setElementOrder/containers": order("log", "web") } }).spec.containers;
    expect(reordered.map(({ name }) => name)).toEqual(["log", "web"]);
  });

  test("the merge key of a Service's ports is the port alone", () => {
    const target = { spec: { ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }] } };
    const patch = { spec: { ports: [{ port: 80, nodePort: 30080 }] } };
    expect(applyStrategicMergePatch(Service, target, patch)).toEqual({
      ok: true,
      value: { spec: { ports: [{ port: 80, protocol: "TCP", targetPort: 8080, nodePort: 30080 }] } },
    });
  });

  test("directives and nulls in what is added leave no trace", () => {
    const patch = {
      spec: {
        containers: [{ name: "new", env: [{ name: "A", $patch: "delete" }], resources: { limits: { cpu: null } } }],
      },
    };
    expect(patched(patch, {}).spec.containers).toEqual([{ name: "new", env: [], resources: { limits: {} } }]);
  });

  test.each<[string, unknown, RegExp]>([
    [
      "an item without its merge key",
      { spec: { containers: [{ image: "x" }] } },
      /does not contain declared merge key: name/,
    ],
    ["an unknown directive", { spec: { $patch: "explode" } }, /Unknown patch type found: explode/],
    ["no object", [], /must be an object/],
  ])("%s is refused", (_, patch, message) => {
    const result = applyStrategicMergePatch(Pod, pod, patch);
    expect(result).toMatchObject({ ok: false, malformed: true, message: expect.stringMatching(message) });
  });

  const containers = fc
    .uniqueArray(fc.constantFrom<string[]>("a", "b", "c", "d", "e"), { maxLength: 5 })
    .chain((names) => fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), image: fc.string() }))));

  test("what is named with the order it should have, ends up in that order, with what was patched, and nothing is lost", () => {
    fc.assert(
      fc.property(containers, containers, (there, wanted) => {
        const patch = {
          spec: { containers: wanted, "$setElementOrder/containers": wanted.map(({ name }) => ({ name })) },
        };
        const result = patched(patch, { spec: { containers: there } }).spec.containers;
        const named = wanted.map(({ name }) => name);
        expect(result.filter(({ name }) => named.includes(name))).toEqual(wanted);
        const others = there.filter(({ name }) => !named.includes(name));
        expect(result.filter(({ name }) => !named.includes(name))).toEqual(others);
      }),
    );
  });

  test("applied twice it changes no more than applied once, and the target is not touched", () => {
    fc.assert(
      fc.property(containers, containers, (there, patch) => {
        const target = { spec: { containers: there } };
        const before = structuredClone(target);
        const once = patched({ spec: { containers: patch } }, target);
        expect(patched({ spec: { containers: patch } }, once)).toEqual(once);
        expect(target).toEqual(before);
      }),
    );
  });
});
