import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { debianEtcd, etcdctl, flotilla, type Kind, portsFor, StoreMember } from "./store-cluster.ts";
import { type Issued, TestAuthority } from "./support/certificates.ts";
import { eventually } from "./support/eventually.ts";

const directory = mkdtempSync(join(tmpdir(), "flotilla-test-tls-"));
const both = [flotilla, debianEtcd] as const;
const here = { names: ["127.0.0.1", "localhost"] };
let ca: TestAuthority;
let stranger: TestAuthority;
let alice: Issued;
let mallory: Issued;
const members: StoreMember[] = [];
let ports = portsFor(8);

beforeAll(async () => {
  ca = await TestAuthority.make(directory, "ca");
  stranger = await TestAuthority.make(directory, "stranger");
  alice = await ca.issue("alice", { commonName: "alice", names: ["alice.example.com"] });
  mallory = await stranger.issue("mallory", { commonName: "alice" });
});

afterEach(async () => {
  await Promise.all(members.splice(0).map((member) => member.end()));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `size` members that know each other, with their flags: `args` for all, and of `peerArgs` one for each. */
function cluster(
  kind: Kind,
  args: readonly string[],
  { size = 1, peer = "http", client = "https", peerArgs = [] as readonly (readonly string[])[] } = {},
): StoreMember[] {
  const first = ports;
  ports += 2 * size;
  const name = (at: number) => `m${at}`;
  const peerUrl = (at: number) => `${peer}://127.0.0.1:${first + 2 * at + 1}`;
  const initial = Array.from({ length: size }, (_, at) => `${name(at)}=${peerUrl(at)}`).join(",");
  const made = Array.from({ length: size }, (_, at) => {
    const url = `${client}://127.0.0.1:${first + 2 * at}`;
    const dataDir = join(directory, `${kind.name}-${first}-${at}`);
    return new StoreMember(kind, name(at), dataDir, url, [
      ...["--name", name(at), "--data-dir", dataDir, "--listen-client-urls", url, "--advertise-client-urls", url],
      ...[
        "--listen-peer-urls",
        peerUrl(at),
        "--initial-advertise-peer-urls",
        peerUrl(at),
        "--initial-cluster",
        initial,
      ],
      ...args,
      ...(peerArgs[at] ?? []),
    ]);
  });
  members.push(...made);
  return made;
}

async function started(kind: Kind, args: readonly string[]): Promise<StoreMember> {
  const [member] = cluster(kind, args);
  await member?.start();
  return member as StoreMember;
}

const serverFlags = ({ cert, key }: Issued) => ["--cert-file", cert, "--key-file", key];
const known = () => ["--client-cert-auth", "--trusted-ca-file", ca.file];
const as = (who: Issued, trusted = ca.file) => ["--cacert", trusted, "--cert", who.cert, "--key", who.key];

/** Whether a put gets through. */
async function gets(member: StoreMember, credentials: readonly string[]): Promise<boolean> {
  const { code } = await etcdctl(member.clientUrl, [...credentials, "--command-timeout=1s", "put", "k", "v"]);
  return code === 0;
}

const portOf = (member: StoreMember) => Number(new URL(member.clientUrl).port);

/** A handshake of our own; the certificate that was shown, or why there was none. */
function handshake(member: StoreMember, options: object = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: portOf(member), rejectUnauthorized: false, ...options });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

describe("clients", () => {
  test("come in with a certificate of the authority, and nobody else does, here as with etcd", async () => {
    const server = await ca.issue("server", here);
    const late = await ca.issue("late", { commonName: "alice", days: -1 });
    const [ours, theirs] = await Promise.all(both.map((kind) => started(kind, [...serverFlags(server), ...known()])));
    const attempts = [as(alice), as(mallory), as(late), ["--cacert", ca.file], as(alice, stranger.file)];
    const asked = (member: StoreMember | undefined) =>
      Promise.all(attempts.map((credentials) => gets(member as StoreMember, credentials)));
    const [our, their] = await Promise.all([asked(ours), asked(theirs)]);
    expect(their).toEqual([true, false, false, false, false]);
    expect(our).toEqual(their);
    for (const member of [ours, theirs]) {
      expect(member?.output).toContain("rejected connection");
      expect(member?.output).toContain("remote error: tls: bad certificate");
    }
    expect(ours?.output).toContain('"msg":"rejected connection on client endpoint"');
    expect(ours?.output).toContain("x509: certificate signed by unknown authority");
    expect(ours?.output).toContain("x509: certificate has expired or is not yet valid");
    expect(ours?.output).not.toContain('"level":"error"');
  });

  test("whose certificate was revoked stay out as soon as the list says so", async () => {
    const server = await ca.issue("server-crl", here);
    const list = await ca.revoke("revoked.crl", []);
    const flags = [...serverFlags(server), ...known(), "--client-crl-file", list];
    const pair = await Promise.all(both.map((kind) => started(kind, flags)));
    const asked = () => Promise.all(pair.map((member) => gets(member, as(alice))));
    expect(await asked()).toEqual([true, true]);
    await ca.revoke("revoked.crl", [alice.serialNumber]);
    expect(await asked()).toEqual([false, false]);
    expect(pair[0]?.output).toContain("revoked");
    await ca.revoke("revoked.crl", [mallory.serialNumber]);
    expect(await asked()).toEqual([true, true]);
  });

  test("have one of the names that are allowed", async () => {
    const server = await ca.issue("server-names", here);
    const bob = await ca.issue("bob", { commonName: "alice.example.com", names: ["bob.example.com"] });
    const flags = [...serverFlags(server), ...known(), "--client-cert-allowed-hostname", "alice.example.com"];
    const pair = await Promise.all(both.map((kind) => started(kind, flags)));
    const asked = (who: Issued) => Promise.all(pair.map((member) => gets(member, as(who))));
    expect(await asked(alice)).toEqual([true, true]);
    expect(await asked(bob)).toEqual([false, false]);
    expect(pair[0]?.output).toContain("client certificate authentication failed");
  });

  test("see a new certificate, and those of a new authority come in, without a restart", async () => {
    const old = await TestAuthority.make(directory, "rotating");
    const server = await old.issue("server-rotating", here);
    const flags = [...serverFlags(server), "--client-cert-auth", "--trusted-ca-file", old.file];
    const pair = await Promise.all(both.map((kind) => started(kind, flags)));
    const before = await old.issue("before", { commonName: "before" });
    const kept = await Promise.all(pair.map((member) => handshake(member, pemsOf(before))));
    const shown = kept.map((socket) => socket.getPeerCertificate().serialNumber.toLowerCase());
    expect(shown).toEqual([server.serialNumber, server.serialNumber]);
    const ended = kept.map((socket) => new Promise((resolve) => socket.once("close", resolve)));

    const renewed = await old.issue("server-rotating", here);
    const now = await Promise.all(pair.map((member) => handshake(member, pemsOf(before))));
    expect(now.map((socket) => socket.getPeerCertificate().serialNumber.toLowerCase())).toEqual([
      renewed.serialNumber,
      renewed.serialNumber,
    ]);

    // The original reads its authorities once; here they change as certificates do.
    const young = await TestAuthority.make(directory, "rotating");
    const after = await young.issue("after", { commonName: "after" });
    await young.issue("server-rotating", here);
    const ours = pair[0] as StoreMember;
    expect(await gets(ours, as(after, young.file))).toBe(true);
    expect(await gets(ours, as(before, young.file))).toBe(false);
    expect(kept[0]?.destroyed).toBe(false);
    for (const socket of [...kept, ...now]) socket.destroy();
    await Promise.all(ended);
  });

  test("agree with the member on a version and a cipher suite, or hear nothing", async () => {
    const server = await ca.issue("server-limits", here);
    const suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    const member = await started(flotilla, [
      ...serverFlags(server),
      "--cipher-suites",
      suite,
      "--tls-max-version",
      "TLS1.2",
    ]);
    const socket = await handshake(member);
    expect([socket.getProtocol(), socket.getCipher().name]).toEqual(["TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"]);
    socket.destroy();
    await expect(handshake(member, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).rejects.toThrow();
    await expect(handshake(member, { minVersion: "TLSv1.3" })).rejects.toThrow();
  });
});

describe("members", () => {
  const peerFlags = ({ cert, key }: Issued) => [
    ...["--peer-cert-file", cert, "--peer-key-file", key, "--peer-client-cert-auth", "--peer-trusted-ca-file", ca.file],
  ];

  /** Two of three get on; the third is kept out by what is said of its certificate. */
  async function keepsOut(third: Issued, flags: readonly string[], why: string): Promise<void> {
    const good = await ca.issue("peer", { commonName: "member", names: ["127.0.0.1"] });
    const peerArgs = [peerFlags(good), peerFlags(good), peerFlags(third)];
    const three = cluster(flotilla, flags, { size: 3, peer: "https", client: "http", peerArgs });
    const [first, second, last] = three as [StoreMember, StoreMember, StoreMember];
    last.start().catch(() => undefined); // it may give up, or be ended with the test
    await Promise.all([first.start(), second.start()]);
    await eventually("the third is turned away", () => first.output.includes("rejected connection on peer endpoint"));
    expect(first.output).toContain(why);
    expect(last.output).not.toContain("ready to serve client requests");
  }

  test("have one of the common names that are allowed", async () => {
    const other = await ca.issue("other", { commonName: "other", names: ["127.0.0.1"] });
    await keepsOut(other, ["--peer-cert-allowed-cn", "member,spare"], "client certificate authentication failed");
  });

  test("have a certificate of the address they come from", async () => {
    const elsewhere = await ca.issue("elsewhere", { commonName: "member", names: ["10.1.2.3"] });
    await keepsOut(elsewhere, [], "x509: certificate is valid for 10.1.2.3, not 127.0.0.1");
  });

  test("make certificates of their own when they are told to, once", async () => {
    const flags = ["--auto-tls", "--peer-auto-tls"];
    const three = cluster(flotilla, flags, { size: 3, peer: "https" });
    await Promise.all(three.map((member) => member.start()));
    const [first, second] = three as [StoreMember, StoreMember];
    const insecure = ["--insecure-skip-tls-verify", "--insecure-transport=false"];
    expect(await gets(first, insecure)).toBe(true);
    const fixtures = (side: string) => join(first.dataDir, "fixtures", side);
    expect(readdirSync(fixtures("client")).sort()).toEqual(["cert.pem", "key.pem"]);
    expect(statSync(join(fixtures("peer"), "key.pem")).mode & 0o777).toBe(0o600);
    const shown = async () => {
      const socket = await handshake(second);
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await shown();
    await second.end("SIGTERM");
    await second.start();
    expect(await shown()).toBe(before);
  });
});

describe("what makes no sense", () => {
  async function refusal(args: readonly string[]): Promise<string> {
    const [member] = cluster(flotilla, args);
    return member!.start().then(
      () => "it started",
      (error: Error) => error.message,
    );
  }

  test("is refused before anything is served", async () => {
    const server = await ca.issue("server-wrong", here);
    const answers = await Promise.all([
      refusal([]),
      refusal(["--cert-file", server.cert, "--key-file", alice.key]),
      refusal([...serverFlags(server), "--trusted-ca-file", join(directory, "no-such-file")]),
      refusal([...serverFlags(server), ...known(), "--client-crl-file", server.cert]),
    ]);
    expect(answers[0]).toContain("must be provided for client url");
    expect(answers[1]).toContain("are no certificate and its key");
    expect(answers[2]).toContain("cannot read");
    expect(answers[3]).toContain("is no certificate revocation list");
    for (const answer of answers) expect(answer).toContain("ended (1)");
  });

  test("certificates for a URL without TLS are ignored with a warning", async () => {
    const server = await ca.issue("server-plain", here);
    const [member] = cluster(flotilla, serverFlags(server), { client: "http" });
    await member?.start();
    expect(member?.output).toContain("ignoring key and cert files");
    expect(await gets(member as StoreMember, [])).toBe(true);
  });
});

function pemsOf({ cert, key }: Issued): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
