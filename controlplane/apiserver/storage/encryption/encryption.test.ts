import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../../../../base/mod.ts";
import { MemoryStore } from "../memory-store.ts";
import { parseEncryptionConfig } from "./config.ts";
import { EncryptedStore } from "./encrypted-store.ts";
import type { Transformer } from "./transformer.ts";

const secrets = { group: "", plural: "secrets" };
const KEY = "/registry/secrets/shop/db";
const keyOf = (name: string, length = 32) => ({ name, secret: Buffer.alloc(length, name).toString("base64") });

function config(...providers: object[]): string {
  const resources = [{ resources: ["secrets"], providers }];
  return JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources });
}
const rules = (...providers: object[]) => parseEncryptionConfig(config(...providers))(secrets) as Transformer;

describe.each([
  ["aesgcm", 16],
  ["aesgcm", 32],
  ["aescbc", 32],
  ["secretbox", 32],
])("%s with a key of %i bytes", (provider, length) => {
  const transformer = rules({ [provider]: { keys: [keyOf("k", length)] } });

  test("gives back what was stored, and shows nothing of it in between", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 300 }), (plain) => {
        const stored = Buffer.from(transformer.toStorage(plain, KEY));
        expect(stored.toString("latin1").startsWith(`k8s:enc:${provider}:v1:k:`)).toBe(true);
        expect(stored.includes(Buffer.from(plain))).toBe(false);
        const { plain: back, stale } = transformer.fromStorage(stored, KEY);
        expect(Buffer.from(back)).toEqual(Buffer.from(plain));
        expect(stale).toBe(false);
      }),
    );
  });

  test("does not open with another key", () => {
    const stored = transformer.toStorage(toUtf8("a secret of twenty-four!"), KEY);
    const other = rules({ [provider]: { keys: [{ ...keyOf("x", length), name: "k" }] } });
    expect(() => other.fromStorage(stored, KEY)).toThrow();
  });
});

test("what is authenticated does not open in another place, nor changed", () => {
  const transformer = rules({ aesgcm: { keys: [keyOf("k")] } });
  const stored = transformer.toStorage(toUtf8("secret"), KEY);
  expect(() => transformer.fromStorage(stored, "/registry/secrets/shop/other")).toThrow(
    "cipher: message authentication failed",
  );
  stored[stored.length - 20] = (stored[stored.length - 20] as number) ^ 1;
  expect(() => transformer.fromStorage(stored, KEY)).toThrow("cipher: message authentication failed");
});

describe("rotation", () => {
  const old = { aescbc: { keys: [keyOf("old")] } };
  const next = { aesgcm: { keys: [keyOf("new")] } };

  test("a new key in front writes, the old one still reads, and tells that it is time to write again", () => {
    const stored = rules(old, { identity: {} }).toStorage(toUtf8("secret"), KEY);
    const both = rules(next, old, { identity: {} });
    expect(both.fromStorage(stored, KEY)).toMatchObject({ stale: true });
    expect(both.fromStorage(toUtf8("plain"), KEY)).toMatchObject({ stale: true });
    const again = both.toStorage(both.fromStorage(stored, KEY).plain, KEY);
    expect(rules(next).fromStorage(again, KEY)).toMatchObject({ plain: Buffer.from("secret"), stale: false });
  });

  test("what no key reads is an error", () => {
    const stored = rules(old).toStorage(toUtf8("secret"), KEY);
    expect(() => rules(next).fromStorage(stored, KEY)).toThrow("no matching prefix found");
    expect(() => rules(next, { identity: {} }).fromStorage(stored, KEY)).toThrow(
      "identity transformer tried to read encrypted data",
    );
  });
});

describe("the configuration", () => {
  test("names resources, groups and everything; the first entry counts", () => {
    const identity = [{ identity: {} }];
    const resources = [
      { resources: ["deployments.apps"], providers: [{ aescbc: { keys: [keyOf("a")] } }] },
      { resources: ["*.apps", "*."], providers: identity },
    ];
    const parsed = parseEncryptionConfig(
      JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources }),
    );
    const deployment = parsed({ group: "apps", plural: "deployments" });
    expect(deployment).not.toBe(parsed({ group: "apps", plural: "daemonsets" }));
    expect(parsed({ group: "", plural: "configmaps" })).toBeDefined();
    expect(parsed({ group: "batch", plural: "jobs" })).toBeUndefined();
  });

  test.each([
    ["{", "it is no YAML"],
    ["kind: Secret", "it is not an EncryptionConfiguration"],
    [config(), "resources[0].providers must be a list with something in it"],
    [config({ aesgcm: { keys: [{ name: "k", secret: "c2hvcnQ=" }] } }), "keys[0].secret has 5 bytes, not 16, 24, 32"],
    [config({ kms: {} }), "kms is not supported"],
    [config({ rot13: {} }), 'no provider that is known: "rot13"'],
  ])("%#", (text, why) => {
    expect(() => parseEncryptionConfig(text)).toThrow(why);
  });
});

describe("a store that encrypts", () => {
  test("shows plain objects, and keeps none", async () => {
    const kept = new MemoryStore();
    const transformer = rules({ aesgcm: { keys: [keyOf("k")] } });
    const store = new EncryptedStore(kept, (key) => (key.startsWith("/registry/secrets/") ? transformer : undefined));
    const seen: string[] = [];
    const watch = store.watch("/registry/", 1, {
      events: (events) => void seen.push(...events.map(({ value }) => fromUtf8(value as Uint8Array))),
      progress: () => undefined,
      compacted: () => undefined,
    });
    await store.put(KEY, toUtf8("password"), 0);
    await store.put("/registry/configmaps/shop/c", toUtf8("public"), 0);
    expect(fromUtf8((await store.get(KEY))?.value as Uint8Array)).toBe("password");
    const range = await store.range("/registry/");
    expect(range.ok && range.items.map(({ value }) => fromUtf8(value))).toEqual(["public", "password"]);
    const conflict = await store.put(KEY, toUtf8("other"), 0);
    expect(!conflict.ok && fromUtf8(conflict.current?.value as Uint8Array)).toBe("password");
    await new Promise(setImmediate);
    expect(seen).toEqual(["password", "public"]);
    expect(Buffer.from((await kept.get(KEY))?.value as Uint8Array).includes("password")).toBe(false);
    expect(fromUtf8((await kept.get("/registry/configmaps/shop/c"))?.value as Uint8Array)).toBe("public");
    watch.close();
  });

  test("names the key that it cannot read", async () => {
    const kept = new MemoryStore();
    await kept.put(KEY, toUtf8("k8s:enc:aesgcm:v1:gone:xxxx"), 0);
    const store = new EncryptedStore(kept, () => rules({ aesgcm: { keys: [keyOf("k")] } }));
    await expect(store.get(KEY)).rejects.toThrow(`unable to transform key "${KEY}": no matching prefix found`);
    await expect(new EncryptedStore(kept, () => undefined).get(KEY)).rejects.toThrow(
      "identity transformer tried to read encrypted data",
    );
  });
});
