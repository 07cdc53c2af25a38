import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../rpc/grpc/certificates.testing.ts";
import { createTlsListener, dialTls, type TlsOptions, watchedPems } from "./mod.ts";
import { handshakeText } from "./verify.ts";

const pem = makeCertificates();
const stranger = makeCertificates();
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A listener, and what it made of each connection. */
async function listen(tls: TlsOptions) {
  const outcomes: string[] = [];
  let next: () => void = () => undefined;
  const note = (outcome: string) => {
    outcomes.push(outcome);
    next();
  };
  const server = createTlsListener(tls, {
    accepted(socket) {
      socket.on("error", () => undefined);
      socket.resume();
      note("accepted");
    },
    rejected: (_, __, why) => note(why),
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  /** What both sides made of one connection. */
  async function dial(client: TlsOptions): Promise<{ readonly server: string; readonly client: string }> {
    const heard = new Promise<void>((resolve) => {
      next = resolve;
    });
    const clientSays = await new Promise<string>((resolve) => {
      const socket = dialTls({ host: "127.0.0.1", port }, client, (error) => resolve(error?.message ?? "ok"));
      socket.once("error", (error) => resolve(handshakeText(error)));
      endings.push(() => socket.destroy());
    });
    await heard;
    return { server: outcomes.at(-1) as string, client: clientSays };
  }
  return { dial };
}

const mutual = { ...pem.server, ca: pem.ca.cert, requireClientCertificate: true };
const alice = { ...pem.client, ca: pem.ca.cert };

describe("a listener that wants certificates", () => {
  test("takes those of its authority", async () => {
    const { dial } = await listen(mutual);
    expect(await dial(alice)).toEqual({ server: "accepted", client: "ok" });
  });

  test("refuses others', none, and what is no TLS, each with the reason", async () => {
    const { dial } = await listen(mutual);
    const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    expect((await dial({ ...stranger.client, ca: pem.ca.cert })).server).toBe(unknown);
    expect((await dial({ cert: "", key: "", ca: pem.ca.cert })).server).toBe(
      "tls: client didn't provide a certificate",
    );
  });

  test("refuses who is revoked, and whoever comes while the list cannot be read", async () => {
    let revoked: () => ReadonlySet<string> = () => new Set();
    const { dial } = await listen({ ...mutual, revoked: () => revoked() });
    expect((await dial(alice)).server).toBe("accepted");
    const { X509Certificate } = await import("node:crypto");
    const serial = new X509Certificate(pem.client.cert).serialNumber.replace(/^0+/, "");
    revoked = () => new Set([serial]);
    expect((await dial(alice)).server).toBe(`transport: certificate serial ${serial.toLowerCase()} revoked`);
    revoked = () => {
      throw new Error("no list");
    };
    expect((await dial(alice)).server).toBe("no list");
  });

  test.each([
    [{ allowedCommonNames: ["alice"] }, "accepted"],
    [{ allowedCommonNames: ["bob"] }, "client certificate authentication failed"],
    [{ allowedHostnames: ["alice"] }, "client certificate authentication failed"],
    [{ checkAddress: true }, "accepted"],
  ])("%j: %s", async (rules, expected) => {
    const { dial } = await listen({ ...mutual, ...rules });
    expect((await dial(alice)).server).toBe(expected);
  });
});

test("whoever dials looks at the server: its authority, its name, and its own list of names", async () => {
  const { dial } = await listen(mutual);
  const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  expect((await dial({ ...pem.client, ca: stranger.ca.cert })).client).toBe(unknown);
  expect((await dial({ ...pem.client, ca: stranger.ca.cert, trustsAnyServer: true })).client).toBe("ok");
  expect((await dial({ ...alice, allowedCommonNames: ["nobody"] })).client).toBe(
    "client certificate authentication failed",
  );
});

test("whoever dials shows the certificate that is for that, if there is one", async () => {
  const { dial } = await listen({ ...mutual, allowedCommonNames: ["alice"] });
  const own = { ...pem.server, ca: pem.ca.cert };
  expect((await dial(own)).server).toBe("client certificate authentication failed");
  const apart = { ...own, clientCert: pem.client.cert, clientKey: pem.client.key };
  expect((await dial(apart)).server).toBe("accepted");
});

test("a listener with other certificates shows them to the next who comes, and keeps those who are there", async () => {
  let pems: TlsOptions = mutual;
  const { dial } = await listen({ ...mutual, current: () => pems });
  expect((await dial(alice)).server).toBe("accepted");
  pems = { ...stranger.server, ca: stranger.ca.cert };
  const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  expect((await dial({ ...pem.client, ca: stranger.ca.cert })).server).toBe(unknown);
  expect(await dial({ ...stranger.client, ca: stranger.ca.cert })).toEqual({ server: "accepted", client: "ok" });
});

describe("certificates in files", () => {
  const directory = mkdtempSync(join(tmpdir(), "tls-files-"));
  const files = { cert: join(directory, "cert.pem"), key: join(directory, "key.pem") };
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test("are read again when they have changed, and not while they do not fit together", () => {
    const said: string[] = [];
    writeFileSync(files.cert, pem.server.cert);
    writeFileSync(files.key, pem.server.key);
    const current = watchedPems(files, (_, message) => void said.push(message));
    const first = current();
    expect(current()).toBe(first);
    writeFileSync(files.cert, pem.client.cert);
    expect(current()).toBe(first);
    expect(said).toEqual(["failed to create peer certificate"]);
    writeFileSync(files.key, pem.client.key);
    expect(current().cert).toBe(pem.client.cert);
    rmSync(files.key);
    expect(current().cert).toBe(pem.client.cert);
  });

  test("that are missing or none at all fail the start, with their name", () => {
    expect(() => watchedPems({ ...files, cert: "/no/such/file" }, () => undefined)).toThrow(
      "cannot read /no/such/file (ENOENT)",
    );
  });
});

test.each([
  ["ssl/tls alert bad certificate", "remote error: tls: bad certificate"],
  ["tlsv1 alert unknown ca", "remote error: tls: unknown certificate authority"],
  ["sslv3 alert certificate unknown", "remote error: tls: unknown certificate"],
  ["wrong version number", "tls: first record does not look like a TLS handshake"],
  ["no shared cipher", "tls: no cipher suite supported by both client and server"],
])("OpenSSL says %j, Go %j", (reason, expected) => {
  expect(handshakeText(Object.assign(new Error("x"), { reason }))).toBe(expected);
});
