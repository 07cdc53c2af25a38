import "reflect-metadata";
import { generateKeyPairSync, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as x509 from "@peculiar/x509";
import { Failure } from "../../base/mod.ts";
import { apiServiceAddress, type ClusterConfig, nodeApiAddress } from "./config.ts";
import type { Layout } from "./layout.ts";
import { certificateFile, keyFile, pkiNames } from "./pki-files.ts";

x509.cryptoProvider.set(webcrypto);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const yearMs = 365 * 24 * 3600 * 1000;

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

interface CertificateSpec {
  readonly commonName: string;
  readonly organization?: string;
  readonly usages: readonly ("server" | "client")[];
  /** DNS names and IP addresses that a server certificate is valid for. */
  readonly names?: readonly string[];
}

function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
}

function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x01; // Positive, and never with a leading zero byte.
  return bytes.toString("hex");
}

async function writePair(layout: Layout, name: string, certificate: x509.X509Certificate, key: webcrypto.CryptoKey) {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key);
  writeSecret(keyFile(layout, name), `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`);
  writeSecret(certificateFile(layout, name), `${certificate.toString("pem")}\n`);
}

async function authority(layout: Layout, name: string, commonName: string): Promise<Authority> {
  const certFile = certificateFile(layout, name);
  if (existsSync(certFile)) {
    try {
      const pem = readFileSync(keyFile(layout, name), "utf8");
      const key = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, true, [
        "sign",
      ]);
      return { certificate: new x509.X509Certificate(readFileSync(certFile, "utf8")), key };
    } catch (error) {
      throw new Failure(
        "CertificateUnreadable",
        `cannot read the certificate authority ${certFile} and its key: ${(error as Error).message}`,
        "Restore both files, or remove the cluster with `flotilla down`",
        error,
      );
    }
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 10 * yearMs),
    signingAlgorithm: algorithm,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writePair(layout, name, certificate, keys.privateKey);
  return { certificate, key: keys.privateKey };
}

/** Whether the pair is there and valid for all `names`: a cluster made by an older version may lack one. */
function isIssued(layout: Layout, name: string, names: readonly string[]): boolean {
  if (!existsSync(certificateFile(layout, name)) || !existsSync(keyFile(layout, name))) return false;
  const certificate = new X509Certificate(readFileSync(certificateFile(layout, name)));
  return names.every((each) => certificate.checkHost(each) !== undefined || certificate.checkIP(each) !== undefined);
}

async function issue(layout: Layout, ca: Authority, name: string, spec: CertificateSpec): Promise<void> {
  if (isIssued(layout, name, spec.names ?? [])) return;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const usages = spec.usages.map((usage) =>
    usage === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
  );
  const names = (spec.names ?? []).map((value) => ({
    type: /^[\d.]+$|:/.test(value) ? ("ip" as const) : ("dns" as const),
    value,
  }));
  const subject = spec.organization === undefined ? [] : [{ O: [spec.organization] }];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...subject, { CN: [spec.commonName] }],
    issuer: ca.certificate.subject,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + yearMs),
    signingAlgorithm: algorithm,
    signingKey: ca.key,
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  await writePair(layout, name, certificate, keys.privateKey);
}

/** Secrets are encrypted with a key of this cluster's own; what was written before there was one can still be read. */
function encryptionConfiguration(): string {
  return `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aesgcm:
          keys:
            - name: key-1
              secret: ${randomBytes(32).toString("base64")}
      - identity: {}
`;
}

/** Makes whatever keys and certificates the cluster lacks; what is there stays. The store has an authority of its own. */
export async function ensurePki(layout: Layout, config: ClusterConfig): Promise<void> {
  const ca = await authority(layout, pkiNames.ca, `flotilla-${config.name}`);
  const etcdCa = await authority(layout, pkiNames.etcdCa, `flotilla-${config.name}-etcd`);
  const loopback = ["localhost", "127.0.0.1", "::1"];
  for (const { name } of config.members) {
    const names = [name, ...loopback];
    await issue(layout, etcdCa, pkiNames.etcdMember(name), { commonName: name, usages: ["server", "client"], names });
  }
  await issue(layout, etcdCa, pkiNames.etcdClient, { commonName: "etcdctl", usages: ["client"] });
  await issue(layout, etcdCa, pkiNames.apiServerEtcdClient, {
    commonName: "kube-apiserver-etcd-client",
    usages: ["client"],
  });
  const service = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
  ];
  await issue(layout, ca, pkiNames.apiServer, {
    commonName: "kube-apiserver",
    usages: ["server"],
    names: [...loopback, apiServiceAddress(config), nodeApiAddress, ...service],
  });
  const clients = [
    [pkiNames.apiServerKubeletClient, "kube-apiserver-kubelet-client", "system:masters"],
    [pkiNames.admin, "kubernetes-admin", "system:masters"],
    [pkiNames.controllerManager, "system:kube-controller-manager", undefined],
    [pkiNames.scheduler, "system:kube-scheduler", undefined],
    [pkiNames.proxy, "system:kube-proxy", undefined],
    [pkiNames.dns, "system:flotilla:dns", undefined],
    [pkiNames.ingress, "system:flotilla:ingress", undefined],
    [pkiNames.provisioner, "system:flotilla:provisioner", undefined],
  ] as const;
  for (const [name, commonName, organization] of clients) {
    await issue(layout, ca, name, {
      commonName,
      usages: ["client"],
      ...(organization === undefined ? {} : { organization }),
    });
  }
  for (const { name, address } of config.nodes) {
    await issue(layout, ca, pkiNames.kubelet(name), {
      commonName: `system:node:${name}`,
      organization: "system:nodes",
      usages: ["client", "server"],
      names: [...new Set([name, address, ...loopback])],
    });
  }
  if (!existsSync(layout.encryptionConfig)) writeSecret(layout.encryptionConfig, encryptionConfiguration());
  if (!existsSync(keyFile(layout, pkiNames.serviceAccount))) {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeSecret(
      keyFile(layout, pkiNames.serviceAccount),
      privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    );
    writeSecret(join(layout.pki, "sa.pub"), publicKey.export({ type: "spki", format: "pem" }) as string);
  }
}
