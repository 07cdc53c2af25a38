import { beforeEach, describe, expect, test } from "vitest";
import { toUtf8 } from "../../base/mod.ts";
import { authpb } from "../../proto/mod.ts";
import { MemoryBuckets, openStore } from "./buckets.testing.ts";
import { readDenial, writeDenial } from "./checks.ts";
import type { AuthStore } from "./store.ts";

const { READ, WRITE, READWRITE } = authpb.PermissionType;

let buckets: MemoryBuckets;
let store: AuthStore;

beforeEach(async () => {
  buckets = new MemoryBuckets();
  store = await openStore(buckets);
});

const hashed = (password: string) => Buffer.from(password).toString("base64");
const addUser = (name: string, hashedPassword = hashed("secret")) =>
  store.addUser({ name, hashedPassword, options: undefined });
const grant = (name: string, permType: authpb.PermissionType, key: string, rangeEnd = "") =>
  store.grantPermission({ name, perm: { permType, key: toUtf8(key), rangeEnd: toUtf8(rangeEnd) } });
const enable = () => {
  addUser("root");
  store.grantRole({ user: "root", role: "root" });
  return store.enable();
};
const mayRead = (username: string, key: string, rangeEnd = "") =>
  readDenial(store, { username, authRevision: store.revision }, toUtf8(key), toUtf8(rangeEnd)) === undefined;
const mayWrite = (username: string, key: string, rangeEnd = "") =>
  writeDenial(store, { username, authRevision: store.revision }, toUtf8(key), toUtf8(rangeEnd)) === undefined;

describe("before auth can be enabled", () => {
  test("there has to be a user root, with the role root, which need not have been added", () => {
    expect(store.enable()).toBe("RootUserNotExist");
    addUser("root");
    expect(store.enable()).toBe("RootRoleNotExist");
    expect(store.grantRole({ user: "root", role: "root" })).toBeUndefined();
    expect(store.enable()).toBeUndefined();
    expect(store.enabled).toBe(true);
    expect(store.enable()).toBeUndefined();
  });
});

describe("while it is enabled, root cannot lock itself out", () => {
  test.each([
    ["the user", () => store.deleteUser("root")],
    ["its role", () => store.revokeRole({ name: "root", role: "root" })],
    ["the role", () => store.deleteRole("root")],
  ])("%s stays", (_, remove) => {
    store.addRole("root");
    enable();
    expect(remove()).toBe("InvalidAuthMgmt");
    store.disable();
    expect(remove()).toBeUndefined();
  });
});

test.each([
  ["a user without a name", "UserEmpty", () => addUser("")],
  ["a user who is there", "UserAlreadyExist", () => addUser("ann") ?? addUser("ann")],
  ["a hash that is none", "NoPasswordUser", () => addUser("ann", "§")],
  ["to delete nobody", "UserNotFound", () => store.deleteUser("ann")],
  ["a password for nobody", "UserNotFound", () => store.changePassword({ name: "x", hashedPassword: "" })],
  ["a role for nobody", "UserNotFound", () => store.grantRole({ user: "ann", role: "root" })],
  ["a role that is none", "RoleNotFound", () => addUser("ann") ?? store.grantRole({ user: "ann", role: "r" })],
  [
    "a role that is not granted",
    "RoleNotGranted",
    () => addUser("ann") ?? store.revokeRole({ name: "ann", role: "r" }),
  ],
  ["a role without a name", "RoleEmpty", () => store.addRole("")],
  ["a role that is there", "RoleAlreadyExist", () => store.addRole("r") ?? store.addRole("r")],
  ["to delete no role", "RoleNotFound", () => store.deleteRole("r")],
  ["no permission", "PermissionNotGiven", () => store.grantPermission({ name: "r", perm: undefined })],
  ["a permission for no role", "RoleNotFound", () => grant("r", READ, "a")],
  ["a permission on nothing", "InvalidAuthMgmt", () => store.addRole("r") ?? grant("r", READ, "b", "a")],
  [
    "a permission that is not granted",
    "PermissionNotGranted",
    () => store.addRole("r") ?? store.revokePermission({ role: "r", key: toUtf8("a"), rangeEnd: toUtf8("") }),
  ],
])("%s is refused: %s", (_, failure, change) => {
  expect(change()).toBe(failure);
});

describe("what a user may do", () => {
  beforeEach(() => {
    addUser("ann");
    store.addRole("r");
    store.addRole("s");
    store.grantRole({ user: "ann", role: "r" });
    store.grantRole({ user: "ann", role: "s" });
    enable();
  });

  test("is the union of what its roles grant", () => {
    grant("r", READWRITE, "a", "c");
    grant("s", READ, "c", "e");
    expect(mayRead("ann", "a", "e")).toBe(true);
    expect(mayWrite("ann", "a", "c")).toBe(true);
    expect(mayWrite("ann", "a", "e")).toBe(false);
    expect(mayWrite("ann", "d")).toBe(false);
  });

  test("changes at once with every change of a role, and with its end", () => {
    expect(mayRead("ann", "a")).toBe(false);
    grant("r", READ, "a");
    expect(mayRead("ann", "a")).toBe(true);
    grant("r", WRITE, "a");
    expect([mayRead("ann", "a"), mayWrite("ann", "a")]).toEqual([false, true]);
    store.revokePermission({ role: "r", key: toUtf8("a"), rangeEnd: toUtf8("") });
    expect(mayWrite("ann", "a")).toBe(false);
    grant("r", WRITE, "a");
    store.deleteRole("r");
    expect(mayWrite("ann", "a")).toBe(false);
    expect(store.user("ann")?.roles).toEqual(["s"]);
  });

  test("is everything for whoever has the role root", () => {
    expect(mayRead("root", "\0", "\0")).toBe(true);
    store.grantRole({ user: "ann", role: "root" });
    expect(mayWrite("ann", "\0", "\0")).toBe(true);
  });

  test("is asked of the revision of now", () => {
    const old = { username: "root", authRevision: store.revision };
    grant("r", READ, "a");
    expect(readDenial(store, old, toUtf8("a"))).toBe("AuthOldRevision");
    expect(readDenial(store, { username: "", authRevision: 0 }, toUtf8("a"))).toBe("UserEmpty");
  });
});

test("a permission on the same range takes the earlier one's place, whatever else begins there", () => {
  store.addRole("r");
  grant("r", READWRITE, "a", "b");
  grant("r", READWRITE, "a", "c");
  grant("r", READ, "a", "c");
  const shown = store.permissionsOf("r")?.map(({ permType, rangeEnd }) => [Buffer.from(rangeEnd).toString(), permType]);
  expect(shown).toEqual([
    ["b", READWRITE],
    ["c", READ],
  ]);
});

test("every change that changes something has a revision of its own", () => {
  expect(store.revision).toBe(1);
  addUser("ann");
  addUser("ann");
  store.addRole("r");
  store.grantRole({ user: "ann", role: "r" });
  store.grantRole({ user: "ann", role: "r" });
  expect(store.revision).toBe(4);
  enable();
  expect(store.revision).toBe(6);
  store.disable();
  store.disable();
  expect(store.revision).toBe(7);
});

test("names are listed by their bytes, as etcd does", () => {
  for (const name of ["é", "z", "\u{1F600}", "\uFF21", "a"]) addUser(name);
  expect(store.users()).toEqual(["a", "z", "é", "\uFF21", "\u{1F600}"]);
});

test("the records are etcd's, and all that there is to know", async () => {
  addUser("ann", hashed("h"));
  store.addUser({ name: "bob", hashedPassword: "", options: { noPassword: true } });
  store.addRole("r");
  grant("r", READWRITE, "a", "c");
  store.grantRole({ user: "ann", role: "r" });
  enable();
  expect(buckets.records).toMatchObject({
    "auth/authEnabled": "01",
    "auth/authRevision": "0000000000000008",
    // name, password, roles, options: fields 1 to 4.
    "authUsers/ann": "0a03616e6e1201681a01722200",
    "authUsers/bob": "0a03626f6222020801",
    // name; permission: type, key, range end.
    "authRoles/r": "0a017212080802120161" + "1a0163",
  });
  const reopened = await openStore(buckets);
  expect([reopened.enabled, reopened.revision]).toEqual([true, 8]);
  expect(reopened.users()).toEqual(["ann", "bob", "root"]);
  expect(reopened.user("ann")).toEqual({ name: "ann", password: toUtf8("h"), noPassword: false, roles: ["r"] });
  expect(reopened.user("bob")?.noPassword).toBe(true);
  expect(reopened.permissionsOf("r")).toEqual(store.permissionsOf("r"));
});
