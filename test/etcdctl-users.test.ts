import { afterAll, beforeAll, describe, test } from "vitest";
import { debianEtcd, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";
import { type Line, runScript, Session } from "./support/etcdctl-scripts.ts";

// Users, roles and permissions, by Debian's etcdctl, with etcd and with ours: what it prints, where, and how it ends is equal. Who may see
// members, leases and alarms, and who may compact, is another question since 3.5: differential/rules.ts knows the differences.

const args = ["--bcrypt-cost", "4"];
const theirs = new Session(new StoreCluster(debianEtcd, portsFor(13), 1, args));
const ours = new Session(new StoreCluster(flotilla, portsFor(14), 1, args));
const sessions = [theirs, ours] as const;

beforeAll(async () => {
  await Promise.all(sessions.map(({ cluster }) => cluster.start()));
});
afterAll(async () => {
  await Promise.all(sessions.map(({ cluster }) => cluster.remove()));
});

function same(name: string, lines: readonly Line[]): void {
  test(name, () => runScript(sessions, lines));
}

const formats = ["simple", "json", "fields", "table"];
const as = (user: string, ...lines: readonly string[]) => lines.map((line) => `${line} --user ${user}`);

describe("while authentication is off", () => {
  same("users and roles are made", [
    "auth enable",
    "auth disable",
    "user add alice:secret",
    "user add bob:secret -w json",
    { run: "user add carol --interactive=false", input: "secret\n" },
    "user add dave --no-password",
    "user add alice:secret",
    "user add :secret",
    "user add",
    "role add reader",
    "role add writer -w json",
    "role add reader",
    "role add ''",
    "role add",
    "role grant-permission reader read a",
    "role grant-permission reader read r/ --prefix",
    "role grant-permission reader read x z -w json",
    "role grant-permission reader nonsense a",
    "role grant-permission nobody read a",
    "role grant-permission reader read",
    "role grant-permission writer readwrite w/ --prefix",
    "role grant-permission writer write wo",
    "role grant-permission writer readwrite s --from-key",
    ...formats.flatMap((format) => [`role get reader -w ${format}`, `role list -w ${format}`]),
    "role get nobody",
    "role get",
    "user grant-role alice reader",
    "user grant-role bob writer -w json",
    "user grant-role bob reader",
    "user grant-role bob nobody",
    "user grant-role nobody reader",
    "user grant-role bob",
    ...formats.flatMap((format) => [`user get bob -w ${format}`, `user list -w ${format}`]),
    "user get bob --detail",
    "user get nobody",
    "user get",
    "role revoke-permission reader x z",
    "role revoke-permission reader x z",
    "role revoke-permission reader r/ --prefix -w json",
    "role revoke-permission writer s --from-key",
    "role get reader",
    "role get writer",
    "role grant-permission reader read r/ --prefix",
    "user revoke-role bob reader",
    "user revoke-role bob reader",
    { run: "user passwd carol --interactive=false", input: "changed\n" },
    { run: "user passwd nobody --interactive=false", input: "changed\n" },
    "put a 1",
    "put r/1 one",
    "put w/1 one",
    "put other x",
    "get a --user alice:secret",
    "lease grant 600",
    "put leased x --lease $lease",
    "auth enable",
    "user add root:top",
    "auth enable",
    "user grant-role root root",
    "auth enable",
  ]);
});

describe("while authentication is on", () => {
  same("nobody does anything", ["get a", "put a 2", "user list", "auth disable", "auth enable"]);

  same("who is not who he says is refused", [
    ...as("alice:wrong", "get a"),
    ...as("nobody:secret", "get a"),
    ...as("dave:secret", "get a"),
    ...as("dave:", "get a"),
    ...as("carol:secret", "get a"),
    "get a --user alice --password secret",
    "get a --user alice:secret --password secret",
  ]);

  same("rights are those of the roles", [
    ...as(
      "alice:secret",
      "get a",
      "get r/ --prefix",
      "get r/1",
      "get r0",
      "get other",
      "put a 2",
      "put r/1 2",
      "del a",
      "get '' --prefix",
      "get a b",
      "get a --from-key",
    ),
    ...as(
      "bob:secret",
      "put w/1 2",
      "put w/1 3 --prev-kv",
      "put wo 1",
      "put wo 2 --prev-kv",
      "get wo",
      "get w/ --prefix",
      "get a",
      "del w/ --prefix",
      "del wo",
      "del wo --prev-kv",
    ),
    ...as("carol:changed", "get a", "user get carol", "user get alice", "role get reader", "user list"),
    ...as(
      "alice:secret",
      "user get alice",
      "user get bob",
      "role get reader",
      "role get writer",
      "role list",
      "role add mine",
      "user passwd alice --interactive=false",
    ),
    ...as("alice:secret", "auth disable", "member add x --peer-urls=http://127.0.0.1:1"),
    ...as("bob:secret", "lease grant 100", "lease timetolive $lease --keys", "lease revoke $lease"),
  ]);

  same("in transactions and watches too", [
    { run: "txn --user alice:secret", input: 'value("a") = "1"\n\nget r/1\n\nget a\n\n' },
    { run: "txn --user alice:secret", input: 'value("a") = "1"\n\nput a 2\n\nget a\n\n' },
    { run: "txn --user alice:secret", input: 'value("other") = "1"\n\nget a\n\nget a\n\n' },
    { run: "txn --user bob:secret", input: "\n\nput w/5 5\ndel w/6\n\n\n" },
    { run: "watch r/ --prefix --rev 1 --user alice:secret", until: "one\n" },
    "watch other --user alice:secret",
    "watch a --from-key --rev 1 --user alice:secret",
  ]);

  same("root does everything, but for what would lock everybody out", [
    ...as(
      "root:top",
      "put a 9",
      "get '' --prefix --keys-only",
      "user list",
      "role list",
      "user get root",
      "member list",
      "endpoint health",
      "lease list",
    ),
    ...as(
      "root:top",
      "user delete root",
      "role delete root",
      "user revoke-role root root",
      "role revoke-permission root a",
      "role grant-permission root read a",
    ),
    { run: "user passwd alice --interactive=false --user root:top", input: "fresh\n" },
    ...as("alice:secret", "get a"),
    ...as("alice:fresh", "get a"),
    ...as("root:top", "role revoke-permission reader a"),
    ...as("alice:fresh", "get a"),
    ...as(
      "root:top",
      "user revoke-role alice reader",
      "role delete reader",
      "role delete reader",
      "user delete bob -w json",
      "user delete bob",
    ),
    ...as("alice:fresh", "get r/1"),
    ...as("bob:secret", "get w/1"),
    ...as("root:top", "user get alice", "auth enable", "auth disable -w json"),
  ]);
});

same("off again, everybody may", [
  "get a",
  "put a 1",
  "user list",
  "role list",
  "get a --user alice:fresh",
  "auth disable",
]);
