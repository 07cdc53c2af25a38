import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificates, type Pem } from "../kvstore/rpc/grpc/certificates.testing.ts";
import { debianEtcd, etcdctl, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";
import { runScript, Session } from "./support/etcdctl-scripts.ts";

// The same commands as elsewhere, between client and store TLS with certificates on both ends.

const directory = mkdtempSync(join(tmpdir(), "flotilla-test-tls-"));
const file = (name: string) => join(directory, name);
const write = (name: string, { cert, key }: Pem) => {
  writeFileSync(file(`${name}.crt`), cert);
  writeFileSync(file(`${name}.key`), key, { mode: 0o600 });
};
const { ca, server, client } = makeCertificates();
const stranger = makeCertificates();
write("ca", ca);
write("server", server);
write("client", client);
write("other-ca", stranger.ca);
write("stranger", stranger.client);

const trusted = ["--cacert", file("ca.crt")];
const known = [...trusted, "--cert", file("client.crt"), "--key", file("client.key")];
const args = [
  "--cert-file",
  file("server.crt"),
  "--key-file",
  file("server.key"),
  "--client-cert-auth",
  "--trusted-ca-file",
  file("ca.crt"),
];
const sessions = [
  new Session(new StoreCluster(debianEtcd, portsFor(15), 1, args, undefined, "https"), known),
  new Session(new StoreCluster(flotilla, portsFor(16), 1, args, undefined, "https"), known),
] as const;

beforeAll(async () => {
  await Promise.all(sessions.map(({ cluster }) => cluster.start()));
  await Promise.all(sessions.map((session) => session.open()));
});
afterAll(async () => {
  await Promise.all(sessions.map(({ cluster }) => cluster.remove()));
  rmSync(directory, { recursive: true, force: true });
});

describe("with a certificate of the right authority", () => {
  test("everything works as without", () =>
    runScript(sessions, [
      "put a 1",
      "get a -w json",
      { run: "txn", input: 'value("a") = "1"\n\nput a 2\n\n\n' },
      { run: "watch a --rev 2", until: "PUT\na\n2\n" },
      "lease grant 100",
      "put l x --lease $lease",
      "lease keep-alive --once $lease",
      "lease timetolive $lease --keys",
      "lease revoke $lease",
      "lock the-lock echo held",
      "member list",
      "endpoint health",
      "endpoint status --cluster -w fields",
      "compaction 3",
      "defrag",
      "alarm list",
    ]));
});

test("without one, with another's, to the wrong server or in the clear nothing works", async () => {
  const quick = ["--dial-timeout=1s", "--command-timeout=1s"];
  const ways: Readonly<Record<string, readonly string[]>> = {
    "no certificate": trusted,
    "a stranger's": [...trusted, "--cert", file("stranger.crt"), "--key", file("stranger.key")],
    "a server of another authority": [
      "--cacert",
      file("other-ca.crt"),
      "--cert",
      file("client.crt"),
      "--key",
      file("client.key"),
    ],
    "a key that does not fit": [...trusted, "--cert", file("client.crt"), "--key", file("server.key")],
  };
  for (const [way, flags] of Object.entries(ways)) {
    const [expected, actual] = await Promise.all(
      sessions.map(async ({ cluster }) => {
        const { code, stdout, stderr } = await etcdctl(cluster.endpoints, [...flags, ...quick, "get", "a"]);
        return {
          code,
          stdout,
          says: /authentication handshake failed: [^"\\]*|private key[^"\\]*|context deadline exceeded/.exec(
            stderr,
          )?.[0],
        };
      }),
    );
    expect(actual, way).toEqual(expected);
    expect(actual!.code, way).not.toBe(0);
  }
  const { code } = await etcdctl(sessions[1].cluster.endpoints.replace("https", "http"), [...quick, "get", "a"]);
  expect(code).not.toBe(0);
});
