import { readFileSync } from "node:fs";
import { Failure } from "../base/mod.ts";
import { startApiServer } from "../controlplane/apiserver/mod.ts";
import { exitCodes, runComponent } from "./component.ts";
import { duration, oneOf, parser, wholeNumber } from "./flags.ts";
import { reported } from "./version.ts";

interface ApiServerFlags {
  etcdServers: string;
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  bindAddress: string;
  securePort: number;
  unixSocket?: string;
  advertiseAddress?: string;
  advertisePort?: number;
  tlsCertFile: string;
  tlsPrivateKeyFile: string;
  clientCaFile: string;
  serviceAccountKeyFile: string[];
  serviceAccountSigningKeyFile: string;
  serviceAccountIssuer: string;
  kubeletClientCertificate?: string;
  kubeletClientKey?: string;
  kubeletCertificateAuthority?: string;
  serviceClusterIpRange: string;
  serviceNodePortRange: string;
  encryptionProviderConfig?: string;
  disableAdmissionPlugins?: string;
  auditPolicyFile?: string;
  auditLogPath?: string;
  maxRequestsInflight: number;
  maxMutatingRequestsInflight: number;
  shutdownDelayDuration: number;
  kubernetesVersion: string;
  v: "info" | "debug";
}

/** `flotilla apiserver`: the Kubernetes API over an etcd cluster, this project's or any other. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("apiserver", "Serves the Kubernetes API out of an etcd cluster.")
    .requiredOption("--etcd-servers <urls>", "client URLs of the store's members, separated by commas")
    .option("--etcd-cafile <file>", "authority of the store's certificates")
    .option("--etcd-certfile <file>", "client certificate for the store")
    .option("--etcd-keyfile <file>", "its key")
    .option("--bind-address <ip>", "address to listen on", "127.0.0.1")
    .option("--secure-port <port>", "port to listen on; 0 picks one", wholeNumber(0, 65_535), 6443)
    .option("--unix-socket <path>", "listen on this unix socket too")
    .option("--advertise-address <ip>", "where the cluster's members reach this server")
    .option("--advertise-port <port>", "the port there, if it is not the one listened on", wholeNumber(1, 65_535))
    .requiredOption("--tls-cert-file <file>", "the server's certificate")
    .requiredOption("--tls-private-key-file <file>", "its key")
    .requiredOption("--client-ca-file <file>", "authority of client certificates")
    .option(
      "--service-account-key-file <file>",
      "a key whose tokens are accepted as well as the signing key's; may be repeated",
      (file: string, files: string[]) => [...files, file],
      [],
    )
    .requiredOption("--service-account-signing-key-file <file>", "private key that signs service account tokens")
    .option(
      "--service-account-issuer <url>",
      "who the tokens say issued them",
      "https://kubernetes.default.svc.cluster.local",
    )
    .option("--kubelet-client-certificate <file>", "client certificate for kubelets (pod logs)")
    .option("--kubelet-client-key <file>", "its key")
    .option("--kubelet-certificate-authority <file>", "authority of the kubelets' certificates")
    .option("--service-cluster-ip-range <cidr>", "addresses of Services", "10.96.0.0/16")
    .option("--service-node-port-range <first-last>", "node ports of Services", "30000-32767")
    .option("--encryption-provider-config <file>", "how objects are kept in the store; read again when it changes")
    .option("--disable-admission-plugins <names>", "admission plugins to go without, separated by commas")
    .option("--audit-policy-file <file>", "what of which requests is recorded")
    .option("--audit-log-path <file>", "where: lines of JSON; - is standard output")
    .option("--max-requests-inflight <n>", "reads answered at once; 0: any number", wholeNumber(0, 1e6), 400)
    .option("--max-mutating-requests-inflight <n>", "writes answered at once", wholeNumber(0, 1e6), 200)
    .option("--shutdown-delay-duration <time>", "goes on answering for so long after /readyz failed", duration, 0)
    .option("--kubernetes-version <version>", "the version to report", reported.kubernetes)
    .option("-v <level>", "what to log: info or debug", oneOf("info", "debug"), "info")
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<ApiServerFlags>();
  await runComponent(
    "apiserver",
    async (log) => {
      const server = await startApiServer({
        etcdServers: flags.etcdServers.split(",").map((url) => url.trim()),
        etcdTls: {
          ...(flags.etcdCafile !== undefined && { ca: read(flags.etcdCafile) }),
          ...(flags.etcdCertfile !== undefined && { cert: read(flags.etcdCertfile) }),
          ...(flags.etcdKeyfile !== undefined && { key: read(flags.etcdKeyfile) }),
        },
        listen: { host: flags.bindAddress, port: flags.securePort },
        ...(flags.unixSocket !== undefined && { unixSocket: flags.unixSocket }),
        ...(flags.advertiseAddress !== undefined && { advertiseAddress: flags.advertiseAddress }),
        ...(flags.advertisePort !== undefined && { advertisePort: flags.advertisePort }),
        ...(flags.encryptionProviderConfig !== undefined && { encryptionConfigFile: flags.encryptionProviderConfig }),
        ...(flags.auditPolicyFile !== undefined &&
          flags.auditLogPath !== undefined && {
            audit: { policy: read(flags.auditPolicyFile), logPath: flags.auditLogPath },
          }),
        ...(flags.disableAdmissionPlugins && { disabledAdmissionPlugins: flags.disableAdmissionPlugins.split(",") }),
        inFlight: { reading: flags.maxRequestsInflight, writing: flags.maxMutatingRequestsInflight },
        shutdownDelayMs: flags.shutdownDelayDuration,
        tls: {
          cert: read(flags.tlsCertFile),
          key: read(flags.tlsPrivateKeyFile),
          clientCa: read(flags.clientCaFile),
        },
        serviceAccountKey: {
          privateKey: read(flags.serviceAccountSigningKeyFile),
          retired: flags.serviceAccountKeyFile.map(read),
          issuer: flags.serviceAccountIssuer,
        },
        ...(flags.kubeletClientCertificate !== undefined &&
          flags.kubeletClientKey !== undefined && {
            kubeletClientTls: {
              cert: read(flags.kubeletClientCertificate),
              key: read(flags.kubeletClientKey),
              ...(flags.kubeletCertificateAuthority !== undefined && { ca: read(flags.kubeletCertificateAuthority) }),
            },
          }),
        serviceClusterIPRange: flags.serviceClusterIpRange,
        nodePortRange: flags.serviceNodePortRange,
        kubernetesVersion: flags.kubernetesVersion,
        log,
      });
      server.ready.catch(() => process.exit(exitCodes.failed));
      await server.ready;
      return server;
    },
    flags.v,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(
      "FileUnreadable",
      `cannot read ${file}: ${(error as Error).message}`,
      "Check the path and its permissions",
      error,
    );
  }
}

if (import.meta.main) await main(process.argv.slice(2));
