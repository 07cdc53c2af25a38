import { beforeEach, describe, expect, test } from "vitest";
import { seededRandom, toUtf8, VirtualClock } from "../../base/mod.ts";
import { authpb, type Init, InternalRaftRequest } from "../../proto/mod.ts";
import { AuthApplier } from "./applier.ts";
import { MemoryBuckets, openStore } from "./buckets.testing.ts";
import { Passwords } from "./passwords.ts";
import { SimpleTokens } from "./simple-tokens.ts";
import type { AuthStore } from "./store.ts";

/** One member: what it keeps, and the tokens it knows. */
class Member {
  readonly buckets = new MemoryBuckets();
  readonly tokens: SimpleTokens;
  store!: AuthStore;
  #applier!: AuthApplier;

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.tokens = new SimpleTokens({
      ttlMs: 300_000,
      clock: new VirtualClock(),
      draw: (limit) => random.below(limit),
    });
  }

  async open(): Promise<this> {
    this.store = await openStore(this.buckets);
    this.#applier = new AuthApplier(this.store, this.tokens);
    return this;
  }

  apply(index: number, request: Init<InternalRaftRequest>) {
    return this.#applier.apply(InternalRaftRequest.decode(InternalRaftRequest.encode(request)), index);
  }
}

let members: readonly Member[];
let index: number;

beforeEach(async () => {
  members = await Promise.all([1, 2].map((seed) => new Member(seed).open()));
  index = 100;
});

/** The entry at every member; gives what it came to, which is the same at all. */
function apply(request: Init<InternalRaftRequest>, username = "") {
  index++;
  const authRevision = username === "" ? 0 : members[0]!.store.revision;
  const [first, ...others] = members.map((member) =>
    member.apply(index, { header: { id: BigInt(index), username, authRevision }, ...request }),
  );
  for (const other of others) expect(other).toEqual(first);
  return first;
}

function enable(): void {
  for (const name of ["root", "ann"]) apply({ authUserAdd: { name, hashedPassword: "aGFzaA==" } });
  apply({ authRoleAdd: { name: "r" } });
  apply({ authUserGrantRole: { user: "root", role: "root" } });
  apply({ authUserGrantRole: { user: "ann", role: "r" } });
  expect(apply({ authEnable: {} })).toEqual({ done: true });
}

test("what is about something else is left to others", () => {
  expect(apply({ put: { key: toUtf8("a") } })).toBeUndefined();
});

test("before auth is enabled everybody may change everything, and nobody can log in", () => {
  expect(apply({ authStatus: {} })).toEqual({ enabled: false, authRevision: 1 });
  expect(apply({ authUserAdd: { name: "ann", hashedPassword: "" } })).toEqual({ done: true });
  expect(apply({ authUserList: {} })).toEqual({ users: ["ann"] });
  expect(apply({ authenticate: { name: "ann", simpleToken: "abc" } })).toEqual({ failure: "AuthNotEnabled" });
});

describe("once it is enabled", () => {
  beforeEach(enable);

  const perm = { permType: authpb.PermissionType.READ, key: toUtf8("a"), rangeEnd: toUtf8("") };
  const forRoot: Readonly<Record<string, Init<InternalRaftRequest>>> = {
    enable: { authEnable: {} },
    disable: { authDisable: {} },
    "add a user": { authUserAdd: { name: "bob" } },
    "delete a user": { authUserDelete: { name: "ann" } },
    "change a password": { authUserChangePassword: { name: "ann" } },
    "grant a role": { authUserGrantRole: { user: "ann", role: "root" } },
    "revoke a role": { authUserRevokeRole: { name: "ann", role: "r" } },
    "list users": { authUserList: {} },
    "list roles": { authRoleList: {} },
    "add a role": { authRoleAdd: { name: "s" } },
    "delete a role": { authRoleDelete: { role: "r" } },
    "grant a permission": { authRoleGrantPermission: { name: "r", perm } },
    "look at another": { authUserGet: { name: "root" } },
    "look at another's role": { authRoleGet: { role: "root" } },
  };

  test.each(Object.entries(forRoot))("root alone may %s", (_, request) => {
    expect(apply(request)).toEqual({ failure: "UserEmpty" });
    expect(apply(request, "ann")).toEqual({ failure: "PermissionDenied" });
    expect(apply(request, "mallory")).toEqual({ failure: "UserNotFound" });
    expect(apply(request, "root")).not.toMatchObject({ failure: "PermissionDenied" });
  });

  test("everybody may look at themselves and their roles, and at whether there is auth", () => {
    expect(apply({ authUserGet: { name: "ann" } }, "ann")).toEqual({ roles: ["r"] });
    expect(apply({ authRoleGet: { role: "r" } }, "ann")).toEqual({ perm: [] });
    expect(apply({ authStatus: {} })).toMatchObject({ enabled: true });
  });

  test("a login makes the same token known to all members, until the user is another", () => {
    const login = () => {
      expect(apply({ authenticate: { name: "ann", simpleToken: "letters" } })).toMatchObject({ index });
      return `letters.${index}`;
    };
    const known = (token: string) => members.map(({ tokens }) => tokens.find(token, 1)?.username);
    const first = login();
    expect(known(first)).toEqual(["ann", "ann"]);
    apply({ authUserChangePassword: { name: "ann", hashedPassword: "bmV3" } }, "root");
    expect(known(first)).toEqual([undefined, undefined]);
    const second = login();
    apply({ authDisable: {} }, "root");
    expect(known(second)).toEqual([undefined, undefined]);
  });

  test("who was deleted, or has no password, does not get in after all", () => {
    apply({ authUserDelete: { name: "ann" } }, "root");
    expect(apply({ authenticate: { name: "ann", simpleToken: "x" } })).toEqual({ failure: "AuthFailed" });
    apply({ authUserAdd: { name: "bob", options: { noPassword: true } } }, "root");
    expect(apply({ authenticate: { name: "bob", simpleToken: "x" } })).toEqual({ failure: "AuthFailed" });
  });
});

test("a bare password, as etcd had it in its log before 3.5, becomes the same hash everywhere", async () => {
  apply({ authUserAdd: { name: "ann", password: "secret" } });
  const [one, other] = members.map(({ store }) => store.user("ann")!.password);
  expect(other).toEqual(one);
  expect(await new Passwords().matches("secret", one!)).toBe(true);
  expect(JSON.stringify(members[0]!.buckets.records)).not.toContain(Buffer.from("secret").toString("hex"));
  apply({ authUserAdd: { name: "bob", password: "secret" } });
  expect(members[0]!.store.user("bob")?.password).not.toEqual(one);
});
