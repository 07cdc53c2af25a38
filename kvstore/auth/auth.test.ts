import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { type Init, InternalRaftRequest } from "../../proto/mod.ts";
import { Auth, type AuthOptions } from "./auth.ts";
import { MemoryBuckets } from "./buckets.testing.ts";
import type { Credentials } from "./caller.ts";
import { readAuthRecords } from "./records.ts";

const logged: string[] = [];

async function open(options: Partial<AuthOptions> = {}, buckets = new MemoryBuckets()): Promise<Auth> {
  return Auth.open({ clock: new VirtualClock(), log: (_, message) => logged.push(message), ...options }, buckets);
}

function apply(auth: Auth, index: number, request: Init<InternalRaftRequest>) {
  return auth.apply(InternalRaftRequest.decode(InternalRaftRequest.encode(request)), index);
}

/** Root and ann exist, and ann has logged in. */
async function enabled(options: Partial<AuthOptions> = {}): Promise<{ auth: Auth; token: string }> {
  const auth = await open(options);
  for (const name of ["root", "ann"]) apply(auth, 1, { authUserAdd: { name } });
  apply(auth, 2, { authUserGrantRole: { user: "root", role: "root" } });
  apply(auth, 3, { authEnable: {} });
  apply(auth, 4, { authenticate: { name: "ann", simpleToken: "letters" } });
  return { auth, token: "letters.4" };
}

function call(metadata: Readonly<Record<string, string>>, commonName?: string): Credentials {
  return {
    metadata: (key) => metadata[key],
    peer: { certificate: commonName === undefined ? undefined : { commonName } },
  };
}

describe("who calls", () => {
  test("is nobody's business while auth is disabled", async () => {
    const auth = await open({ byCertificate: true });
    expect(auth.callerOf(call({ token: "of another time.1" }, "ann"))).toBeUndefined();
    expect(auth.self).toBeUndefined();
  });

  test("is said by the token, wherever it stands, as of the revision of now", async () => {
    const { auth, token } = await enabled();
    const ann = { username: "ann", authRevision: auth.store.revision };
    expect(auth.callerOf(call({ token }))).toEqual(ann);
    expect(auth.callerOf(call({ authorization: token }))).toEqual(ann);
    expect(auth.callerOf(call({ authorization: `Bearer ${token}` }))).toEqual(ann);
    expect(auth.callerOf(call({}))).toBeUndefined();
    expect(auth.self).toEqual({ username: "root", authRevision: auth.store.revision });
  });

  test("is said by a certificate where names count, but not against a token, and not by a gateway's", async () => {
    const { auth, token } = await enabled({ byCertificate: true });
    expect(auth.callerOf(call({}, "bob"))).toMatchObject({ username: "bob" });
    expect(auth.callerOf(call({ token }, "bob"))).toMatchObject({ username: "ann" });
    expect(auth.callerOf(call({ token: "no.1" }, "bob"))).toBe("InvalidAuthToken");
    expect(auth.callerOf(call({ "grpcgateway-accept": "*/*" }, "bob"))).toBeUndefined();
    const plain = await enabled();
    expect(plain.auth.callerOf(call({}, "bob"))).toBeUndefined();
  });
});

test("a snapshot brings users of its own; tokens stay while auth does", async () => {
  const { auth, token } = await enabled();
  const other = new MemoryBuckets();
  const elsewhere = await open({}, other);
  apply(elsewhere, 1, { authUserAdd: { name: "root" } });
  apply(elsewhere, 2, { authUserGrantRole: { user: "root", role: "root" } });
  apply(elsewhere, 3, { authEnable: {} });
  auth.restore(other, await readAuthRecords(other));
  expect(auth.store.users()).toEqual(["root"]);
  expect(auth.callerOf(call({ token }))).toMatchObject({ username: "ann" });
  apply(elsewhere, 4, { header: { username: "root", authRevision: 3 }, authDisable: {} });
  auth.restore(other, await readAuthRecords(other));
  expect(auth.enabled).toBe(false);
  expect(auth.tokens.find(token, 1)).toBeUndefined();
});

test("a cost that bcrypt does not know is reported", async () => {
  await open({ bcryptCost: 40 });
  expect(logged).toContain("use default bcrypt cost instead of the invalid given cost");
});
