import { beforeAll, describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { authpb, type Init, InternalRaftRequest } from "../../proto/mod.ts";
import { openStore } from "./buckets.testing.ts";
import { type AttachedKeys, entryDenial, leaseReadDenial } from "./checks.ts";
import type { AuthStore } from "./store.ts";

const { READ, WRITE, READWRITE } = authpb.PermissionType;

/** Lease 7 has a key of ann's and one that nobody but root may touch. */
const leases: AttachedKeys = {
  keysOf: (lease) => (lease === 7n ? [toUtf8("both1"), toUtf8("secret")] : lease === 8n ? [toUtf8("both1")] : []),
};

let store: AuthStore;

/** `ann` may read what begins with "read" and "both", write what begins with "write" and "both". */
beforeAll(async () => {
  store = await openStore();
  for (const name of ["root", "ann"]) store.addUser({ name, hashedPassword: "", options: undefined });
  store.grantRole({ user: "root", role: "root" });
  store.addRole("r");
  const kinds = [
    ["read", READ],
    ["write", WRITE],
    ["both", READWRITE],
  ] as const;
  for (const [prefix, permType] of kinds) {
    store.grantPermission({ name: "r", perm: { permType, key: toUtf8(prefix), rangeEnd: toUtf8(`${prefix}~`) } });
  }
  store.grantRole({ user: "ann", role: "r" });
  store.enable();
});

const key = toUtf8;
const denial = (username: string, request: Init<InternalRaftRequest>) =>
  entryDenial(
    store,
    { username, authRevision: store.revision },
    leases,
    InternalRaftRequest.decode(InternalRaftRequest.encode(request)),
  ) ?? "allowed";

const allowed: readonly (readonly [string, Init<InternalRaftRequest>])[] = [
  ["a put", { put: { key: key("write1") } }],
  ["a put that asks for what was there", { put: { key: key("both1"), prevKv: true } }],
  ["a put with a lease that has only such keys", { put: { key: key("write1"), lease: 8n } }],
  ["a delete", { deleteRange: { key: key("write1"), rangeEnd: key("write9") } }],
  ["a transaction", { txn: { compare: [{ key: key("read1") }], success: [{ requestPut: { key: key("write1") } }] } }],
  ["the end of a lease that has only such keys", { leaseRevoke: { id: 8n } }],
  ["a lease", { leaseGrant: { id: 9n, ttl: 60 } }],
];

const denied: readonly (readonly [string, Init<InternalRaftRequest>])[] = [
  ["a put elsewhere", { put: { key: key("read1") } }],
  ["a put that asks for what it must not read", { put: { key: key("write1"), prevKv: true } }],
  ["a put with a lease that has another's key", { put: { key: key("write1"), lease: 7n } }],
  ["a delete of more", { deleteRange: { key: key("write1"), rangeEnd: key("x") } }],
  ["a delete from a key on", { deleteRange: { key: key("write1"), rangeEnd: Uint8Array.of(0) } }],
  ["a delete that asks for what it must not read", { deleteRange: { key: key("write1"), prevKv: true } }],
  ["a compare of what it must not read", { txn: { compare: [{ key: key("write1") }] } }],
  [
    "a compare of a range of which it must not read all",
    { txn: { compare: [{ key: key("read1"), rangeEnd: key("s") }] } },
  ],
  ["a range in a transaction", { txn: { success: [{ requestRange: { key: key("secret") } }] } }],
  ["an operation of the branch not taken", { txn: { failure: [{ requestPut: { key: key("secret") } }] } }],
  [
    "an operation of a nested transaction",
    { txn: { success: [{ requestTxn: { failure: [{ requestDeleteRange: { key: key("secret") } }] } }] } },
  ],
  ["a compare of a nested transaction", { txn: { success: [{ requestTxn: { compare: [{ key: key("secret") }] } }] } }],
  ["the end of a lease that has another's key", { leaseRevoke: { id: 7n } }],
];

describe("an entry of a user's", () => {
  test.each(allowed)("%s is applied", (_, request) => {
    expect(denial("ann", request)).toBe("allowed");
  });

  test.each(denied)("%s is not", (_, request) => {
    expect(denial("ann", request)).toBe("PermissionDenied");
    expect(denial("root", request)).toBe("allowed");
    expect(denial("nobody we know", request)).toBe("PermissionDenied");
  });
});

test("nobody is asked for a name", () => {
  const nobody = { username: "", authRevision: 0 };
  const put = InternalRaftRequest.decode(InternalRaftRequest.encode({ put: { key: key("a") } }));
  expect(entryDenial(store, nobody, leases, put)).toBe("UserEmpty");
});

test("who is told a lease's keys may read all of them", () => {
  const ann = { username: "ann", authRevision: store.revision };
  expect(leaseReadDenial(store, ann, leases, 7n)).toBe("PermissionDenied");
  expect(leaseReadDenial(store, ann, leases, 8n)).toBeUndefined();
  expect(leaseReadDenial(store, ann, leases, 1n)).toBeUndefined();
});
