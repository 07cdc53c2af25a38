import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CertificateSigningRequest, fromBase64, type Status, toBase64 } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { timestamp } from "../../client/mod.ts";
import { TestCluster } from "../common/cluster.testing.ts";
import { CertificateApprovingController } from "./approving.ts";
import type { SigningPair } from "./authority.ts";
import { CertificateCleaner, isStale } from "./cleaner.ts";
import { type Requested, refusal, signers } from "./request.ts";
import { CertificateSigningController } from "./signing.ts";

x509.cryptoProvider.set(webcrypto);
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
const dayMs = 24 * 3_600_000;

let pair: SigningPair;
let authority: x509.X509Certificate;
beforeAll(async () => {
  const keys = await newKeys();
  authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=test-ca",
    notBefore: new Date(Date.UTC(2029, 0, 1)),
    notAfter: new Date(Date.UTC(2030, 5, 1)),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  pair = { certificate: authority.toString("pem"), key };
});

let cluster: TestCluster;
/** The subresources that RBAC grants to everybody. */
let granted: string[];
beforeEach(async () => {
  cluster = new TestCluster();
  granted = [];
  cluster.server.intercept = ({ path, body }) => {
    if (!path.endsWith("/subjectaccessreviews")) return undefined;
    const { subresource } = JSON.parse(String(body)).spec.resourceAttributes;
    return { code: 201, status: { allowed: granted.includes(subresource) } } as unknown as Status;
  };
  await cluster.start((context) => [
    new CertificateSigningController(context, pair, 365 * dayMs),
    new CertificateApprovingController(context),
  ]);
});
afterEach(() => cluster.stop());

async function ask(
  subject: string,
  spec: Partial<CertificateSigningRequest["spec"]> = {},
  names: x509.JsonGeneralNames = [],
) {
  const keys = await newKeys();
  const extensions = names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  return cluster.client.certificateSigningRequests.create({
    metadata: { name: "r" },
    spec: {
      request: toBase64(Buffer.from(request.toString("pem"))),
      signerName: signers.client,
      usages: ["digital signature", "client auth"],
      ...spec,
    },
  });
}

async function approve(): Promise<void> {
  const request = await cluster.client.certificateSigningRequests.get("r");
  const conditions = [{ type: "Approved", status: "True" as const, lastUpdateTime: timestamp(cluster.clock.now()) }];
  await cluster.client.certificateSigningRequests.updateStatus({ ...request, status: { conditions } });
}

/** Signing happens off the event loop: waits for it, however slow the machine is. */
async function decided(): Promise<CertificateSigningRequest> {
  for (;;) {
    await settle();
    const request = await cluster.client.certificateSigningRequests.get("r");
    const failed = request.status?.conditions?.some(({ type }) => type === "Failed");
    if (request.status?.certificate !== undefined || failed) return request;
  }
}

describe("an approved request", () => {
  test("gets a certificate of the authority, with its names, for what it asked", async () => {
    await ask("CN=jane, O=developers", { expirationSeconds: 3600 });
    await approve();
    const { status } = await decided();
    const certificate = new x509.X509Certificate(Buffer.from(fromBase64(status?.certificate ?? "")).toString());
    expect(await certificate.verify({ publicKey: authority, date: new Date(cluster.clock.now()) })).toBe(true);
    expect(certificate.subjectName.getField("CN")).toEqual(["jane"]);
    expect(certificate.subjectName.getField("O")).toEqual(["developers"]);
    expect(certificate.notAfter.getTime() - cluster.clock.now()).toBe(3_600_000);
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.clientAuth,
    ]);
    expect(certificate.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
  });

  test("never outlives the authority", async () => {
    await ask("CN=jane");
    await approve();
    const { status } = await decided();
    const certificate = new x509.X509Certificate(Buffer.from(fromBase64(status?.certificate ?? "")).toString());
    expect(certificate.notAfter).toEqual(authority.notAfter);
  });

  test("that the signer does not sign fails, and says why", async () => {
    await ask("CN=jane", { usages: ["server auth"] });
    await approve();
    expect((await decided()).status?.conditions?.at(-1)).toMatchObject({
      type: "Failed",
      reason: "SignerValidationFailure",
      message: expect.stringContaining("server auth"),
    });
  });

  test("to another signer is left alone", async () => {
    await ask("CN=jane", { signerName: "example.com/mine" });
    await approve();
    await settle();
    expect((await cluster.client.certificateSigningRequests.get("r")).status?.certificate).toBeUndefined();
  });
});

describe("a kubelet's request", () => {
  const kubelet = { signerName: signers.kubeletClient, username: "system:node:n1" };

  test("is approved when the kubelet may ask for itself, and then signed", async () => {
    granted = ["selfnodeclient"];
    await ask("CN=system:node:n1, O=system:nodes", kubelet);
    expect((await decided()).status?.conditions).toMatchObject([{ type: "Approved", reason: "AutoApproved" }]);
  });

  test.each([
    ["nobody granted it", [], kubelet, "CN=system:node:n1, O=system:nodes"],
    ["it asks for another node", ["selfnodeclient"], kubelet, "CN=system:node:n2, O=system:nodes"],
    ["it wants to be more than a node", ["selfnodeclient"], kubelet, "CN=system:node:n1, O=system:masters"],
  ])("waits for a person when %s", async (_, grants, spec, subject) => {
    granted = [...grants];
    await ask(subject, spec);
    for (let i = 0; i < 5; i++) await settle();
    expect((await cluster.client.certificateSigningRequests.get("r")).status?.conditions ?? []).toEqual([]);
  });
});

describe("signers refuse", () => {
  const node: Requested = {
    commonName: "system:node:n1",
    organizations: ["system:nodes"],
    dns: [],
    ips: [],
    emails: [],
    urls: [],
  };
  const client = ["digital signature", "client auth"];
  const server = ["digital signature", "server auth"];
  test.each<[string, string, Partial<Requested>, string[], boolean]>([
    ["a node", signers.kubeletClient, {}, client, true],
    ["with encipherment", signers.kubeletClient, {}, [...client, "key encipherment"], true],
    ["that serves", signers.kubeletClient, {}, [...client, "server auth"], false],
    ["with names", signers.kubeletClient, { dns: ["n1"] }, client, false],
    ["of no node", signers.kubeletClient, { commonName: "n1" }, client, false],
    ["in two groups", signers.kubeletClient, { organizations: ["system:nodes", "x"] }, client, false],
    ["a server without a name", signers.kubeletServing, {}, server, false],
    ["a server", signers.kubeletServing, { ips: ["10.0.0.1"] }, server, true],
    ["a server with an e-mail address", signers.kubeletServing, { dns: ["n"], emails: ["a@b"] }, server, false],
    ["anything old", signers.legacyUnknown, { commonName: "x" }, ["cert sign"], true],
  ])("%s of %s: %j %j", (_, signer, requested, usages, signed) => {
    expect(refusal(signer, { ...node, ...requested }, usages) === undefined).toBe(signed);
  });
});

describe("requests are removed", () => {
  const nowMs = Date.UTC(2030, 0, 2);
  const ago = (ms: number) => timestamp(nowMs - ms);
  const request = (type: string | undefined, ageMs: number, certificate?: string): CertificateSigningRequest => ({
    metadata: { name: "r", creationTimestamp: ago(ageMs) },
    spec: { request: "", signerName: signers.client },
    status: {
      certificate,
      conditions: type === undefined ? [] : [{ type, status: "True", lastUpdateTime: ago(ageMs) }],
    },
  });
  test.each([
    ["issued for an hour", request("Approved", 3_601_000, "x"), undefined, true],
    ["issued just now", request("Approved", 3_599_000, "x"), undefined, false],
    ["approved and not issued", request("Approved", 7_200_000), undefined, false],
    ["denied for an hour", request("Denied", 3_601_000), undefined, true],
    ["undecided for a day", request(undefined, dayMs + 1000), undefined, true],
    ["undecided for an hour", request(undefined, 3_601_000), undefined, false],
    ["of an expired certificate", request("Approved", 1000, "x"), nowMs - 1, true],
  ])("%s: %#", (_, stale, endsMs, expected) => {
    expect(isStale(stale, endsMs, nowMs)).toBe(expected);
  });

  test("by a look an hour", async () => {
    await cluster.start((context) => new CertificateCleaner(context));
    await ask("CN=jane");
    for (let hour = 0; hour < 26; hour++) {
      cluster.clock.advance(3_600_000);
      await settle();
    }
    expect((await cluster.client.certificateSigningRequests.list()).items).toEqual([]);
  });
});
