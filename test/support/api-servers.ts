import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterConfig } from "../../cli/cluster/config.ts";
import { kubeconfigFor, writeKubeconfig } from "../../cli/cluster/kubeconfig.ts";
import { type Layout, layoutOf } from "../../cli/cluster/layout.ts";
import { ensurePki } from "../../cli/cluster/pki.ts";
import { certificateFile, keyFile, pkiNames } from "../../cli/cluster/pki-files.ts";
import { debianEtcd, flotilla, type Kind, portsFor, StoreCluster } from "../store-cluster.ts";
import { type Finished, run } from "./processes.ts";

const kubectlProgram = process.env.KUBECTL ?? "kubectl";

/** A store of one member, and API servers over it: all real processes, nothing else of a cluster. */
export class ApiServers {
  readonly store: StoreCluster;
  readonly directory: string;
  readonly layout: Layout;
  readonly #firstPort: number;
  readonly #servers: ApiServerProcess[] = [];

  constructor(kind: Kind, firstPort: number) {
    this.store = new StoreCluster(kind, firstPort, 1);
    this.directory = mkdtempSync(join(tmpdir(), "flotilla-test-api-"));
    this.layout = layoutOf("test", this.directory);
    this.#firstPort = firstPort;
  }

  /** `slot` keeps the ports of tests apart that run in one process. */
  static async open(store: "flotilla" | "etcd", slot: number): Promise<ApiServers> {
    const opened = new ApiServers(store === "etcd" ? debianEtcd : flotilla, portsFor(slot));
    mkdirSync(opened.layout.sockets, { recursive: true });
    await Promise.all([opened.store.start(), ensurePki(opened.layout, opened.config(0))]);
    return opened;
  }

  /** Starts one more server; resolves when it is ready. */
  async serve(...args: readonly string[]): Promise<ApiServerProcess> {
    const port = this.#firstPort + 10 + this.#servers.length;
    const server = new ApiServerProcess(this, port, args);
    this.#servers.push(server);
    await server.start();
    return server;
  }

  config(apiPort: number): ClusterConfig {
    return {
      version: 1,
      name: "test",
      token: "test",
      members: [{ name: "etcd-1", clientPort: this.#firstPort, peerPort: this.#firstPort + 1 }],
      apiPort,
      nodes: [{ name: "node-1", address: "127.0.0.1", kubeletPort: 10_250 }],
      runtime: "process",
    };
  }

  async remove(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.end("SIGKILL")));
    await this.store.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface HttpAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export class ApiServerProcess {
  readonly port: number;
  readonly kubeconfig: string;
  readonly #of: ApiServers;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  output = "";

  constructor(of: ApiServers, port: number, args: readonly string[]) {
    this.#of = of;
    this.port = port;
    this.#args = args;
    this.kubeconfig = join(of.directory, `${port}.kubeconfig`);
    writeKubeconfig(this.kubeconfig, kubeconfigFor(of.layout, of.config(port), pkiNames.admin));
  }

  async start(): Promise<void> {
    const { layout, store } = this.#of;
    const args = [
      ...["cli/apiserver.ts", "--etcd-servers", store.endpoints, "--secure-port", String(this.port)],
      ...["--tls-cert-file", certificateFile(layout, pkiNames.apiServer)],
      ...["--tls-private-key-file", keyFile(layout, pkiNames.apiServer)],
      ...["--client-ca-file", certificateFile(layout, pkiNames.ca)],
      ...["--service-account-signing-key-file", keyFile(layout, pkiNames.serviceAccount)],
      ...this.#args,
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process = child;
    child.stderr?.on("data", (chunk: Buffer) => {
      this.output += String(chunk);
    });
    const ended = once(child, "exit").then(() => {
      throw new Error(`the API server ended:\n${this.output}`);
    });
    ended.catch(() => undefined); // once it is ready, its end is the test's to want
    await Promise.race([once(child, "message"), ended]);
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  /** What kubectl prints; fails when kubectl does. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  tryKubectl(args: readonly string[], input = ""): Promise<Finished> {
    const common = ["--kubeconfig", this.kubeconfig, "--cache-dir", join(this.#of.directory, "cache")];
    return run(kubectlProgram, [...common, ...args], { input });
  }

  /** Applies objects; answers with what kubectl printed, or the words with which it was refused. */
  async apply(...objects: readonly object[]): Promise<string> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const { code, stdout, stderr } = await this.tryKubectl(["apply", "-f", "-"], JSON.stringify(list));
    return code === 0 ? stdout.trim() : stderr.trim();
  }

  /** The administrator's. */
  credentials(): { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } {
    const { layout } = this.#of;
    return {
      ca: readFileSync(certificateFile(layout, pkiNames.ca)),
      cert: readFileSync(certificateFile(layout, pkiNames.admin)),
      key: readFileSync(keyFile(layout, pkiNames.admin)),
    };
  }

  /** As the cluster's administrator, or as the bearer of a token. */
  http(method: string, path: string, body?: object, token?: string): Promise<HttpAnswer> {
    const { ca, ...admin } = this.credentials();
    const identity = token === undefined ? admin : {};
    const headers = {
      "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    return new Promise((resolve, reject) => {
      const agent = new Agent({ keepAlive: false });
      const request = httpsRequest(
        { ca, ...identity, host: "127.0.0.1", port: this.port, path, method, headers, agent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({
              code: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString(),
            }),
          );
        },
      );
      request.on("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
