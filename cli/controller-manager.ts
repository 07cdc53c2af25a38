import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import { Failure } from "../base/mod.ts";
import { startControllerManager } from "../controlplane/controllers/mod.ts";
import { exitCodes, runComponent } from "./component.ts";
import { duration, oneOf, parser, wholeNumber } from "./flags.ts";

interface ControllerManagerFlags {
  kubeconfig: string;
  socket?: string;
  leaderElect: "true" | "false";
  clusterCidr: string;
  allocateNodeCidrs: "true" | "false";
  nodeCidrMaskSize: number;
  loadBalancerCidr?: string;
  rootCaFile?: string;
  clusterSigningCertFile?: string;
  clusterSigningKeyFile?: string;
  clusterSigningDuration: number;
  csiEndpoint: { name: string; endpoint: string }[];
  nodeMonitorGracePeriod: number;
  nodeMonitorPeriod: number;
  terminatedPodGcThreshold: number;
  v: number;
}

/** `flotilla controller-manager`: brings the cluster to what its objects ask for. */
export async function main(args: string[]): Promise<void> {
  const boolean = oneOf("true", "false");
  const flags = parser("controller-manager", "Brings the cluster to what its objects ask for.")
    .requiredOption("--kubeconfig <file>", "how to reach the API server")
    .option("--socket <path>", "reach it through this unix socket")
    .option("--leader-elect <true|false>", "compete with other controller managers for a Lease", boolean, "true")
    .option("--allocate-node-cidrs <true|false>", "give every node a range of pod addresses", boolean, "true")
    .option("--cluster-cidr <range>", "the range that those are cut from", ipv4Range, "10.244.0.0/16")
    .option("--node-cidr-mask-size <bits>", "how large one is", wholeNumber(8, 30), 24)
    .option("--load-balancer-cidr <range>", "Services of type LoadBalancer get addresses of it", ipv4Range)
    .option("--root-ca-file <file>", "published in every namespace as kube-root-ca.crt")
    .option("--cluster-signing-cert-file <file>", "the authority that signs approved certificate requests")
    .option("--cluster-signing-key-file <file>", "its key")
    .option("--cluster-signing-duration <time>", "how long such certificates are valid", duration, 365 * 24 * 3_600_000)
    .option("--csi-endpoint <name=socket>", "a storage driver, as NAME=unix:///path; may be repeated", csiEndpoint, [])
    .option("--node-monitor-grace-period <time>", "a node that is silent this long is lost", duration, 40_000)
    .option("--node-monitor-period <time>", "how often is looked for silent nodes", duration, 5_000)
    .option("--terminated-pod-gc-threshold <n>", "finished pods that may stay", wholeNumber(0, 1_000_000), 12_500)
    .option("--v <level>", "4 and more logs details", wholeNumber(0, 10), 0)
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<ControllerManagerFlags>();
  const start = async (log: Parameters<Parameters<typeof runComponent>[1]>[0]) =>
    startControllerManager({
      kubeconfig: flags.kubeconfig,
      socketPath: flags.socket,
      log,
      leaderElect: flags.leaderElect === "true",
      clusterCIDR: flags.allocateNodeCidrs === "true" ? flags.clusterCidr : undefined,
      nodeCIDRMaskSize: flags.nodeCidrMaskSize,
      loadBalancerCIDR: flags.loadBalancerCidr,
      rootCa: flags.rootCaFile === undefined ? undefined : await readPem(flags.rootCaFile, "root CA", "--root-ca-file"),
      clusterSigning: await signingPair(flags),
      csiEndpoints: flags.csiEndpoint,
      clusterSigningDurationMs: flags.clusterSigningDuration,
      nodeMonitorGracePeriodMs: flags.nodeMonitorGracePeriod,
      nodeMonitorPeriodMs: flags.nodeMonitorPeriod,
      terminatedPodThreshold: flags.terminatedPodGcThreshold,
      // Another one may lead by now: this one starts afresh, under its supervisor, rather than trust what it remembers.
      onLeadershipLost: () => process.exit(exitCodes.failed),
    });
  await runComponent("controller-manager", start, flags.v >= 4 ? "debug" : "info");
}

function csiEndpoint(
  value: string,
  before: ControllerManagerFlags["csiEndpoint"],
): ControllerManagerFlags["csiEndpoint"] {
  const [, name, endpoint] = /^([^=]+)=(unix:\/\/\/.+)$/.exec(value) ?? [];
  if (name === undefined || endpoint === undefined) throw new InvalidArgumentError("A driver as NAME=unix:///path");
  return [...before, { name, endpoint }];
}

function ipv4Range(value: string): string {
  if (!/^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/.test(value)) throw new InvalidArgumentError("A range such as 10.244.0.0/16");
  return value;
}

async function signingPair({ clusterSigningCertFile: cert, clusterSigningKeyFile: key }: ControllerManagerFlags) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const why = "a signing certificate is of no use without its key, nor the key without the certificate";
    throw new Failure(
      "UnreadableCertificate",
      why,
      "Give both --cluster-signing-cert-file and --cluster-signing-key-file.",
    );
  }
  const [certificate, pem] = await Promise.all([
    readPem(cert, "signing certificate", "--cluster-signing-cert-file"),
    readPem(key, "signing key", "--cluster-signing-key-file"),
  ]);
  return { certificate, key: pem };
}

async function readPem(path: string, what: string, flag: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const why = `cannot read the ${what} ${path}: ${(error as Error).message}`;
    throw new Failure("UnreadableCertificate", why, `Name an existing PEM file with ${flag}.`, error);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
