import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientTlsOptions } from "../../../kvstore/client/mod.ts";
import { flotilla, StoreMember } from "../../store-cluster.ts";

/** So many free ports in a row, below those that the kernel gives to outgoing connections: a member that is down keeps its own. */
async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = 10_000 + Math.floor(Math.random() * (9_000 - count));
    const servers = await Promise.all(Array.from({ length: count }, (_, at) => occupied(first + at)));
    const free = servers.every((server) => server !== undefined);
    await Promise.all(servers.map((server) => new Promise((done) => (server ? server.close(done) : done(undefined)))));
    if (free) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

function occupied(port: number) {
  const server = createServer();
  return new Promise<typeof server | undefined>((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

export interface MembersOptions {
  readonly name: string;
  /** At first; more may be made later, up to `most`. */
  readonly size: number;
  readonly most?: number;
  /** Flags of every member. */
  readonly args?: readonly string[];
  /** Where others reach its peer port, and whether clients and members speak TLS. */
  readonly advertise?: (at: number, peerPort: number) => number | Promise<number>;
  readonly tls?: ClientTlsOptions;
}

/** One member, its process and how others reach it. */
export interface Placed {
  readonly member: StoreMember;
  readonly peerUrl: string;
  /** Where its failpoints are set. */
  readonly failpoints: string;
  start(environment?: Readonly<Record<string, string>>): Promise<void>;
}

/** Members of one cluster in a directory of its own. */
export class Members {
  readonly directory: string;
  readonly tls: ClientTlsOptions | undefined;
  readonly all: Placed[] = [];
  readonly #options: MembersOptions;
  readonly #firstPort: number;
  readonly #peerPorts: readonly number[];

  private constructor(options: MembersOptions, directory: string, firstPort: number, peerPorts: readonly number[]) {
    this.#options = options;
    this.tls = options.tls;
    this.directory = directory;
    this.#firstPort = firstPort;
    this.#peerPorts = peerPorts;
    for (let at = 0; at < options.size; at++) this.all.push(this.#place(at, "new", options.size));
  }

  static async prepare(options: MembersOptions): Promise<Members> {
    const directory = mkdtempSync(join(tmpdir(), `flotilla-soak-${options.name}-`));
    const most = options.most ?? options.size;
    const firstPort = await freePorts(3 * most);
    const { advertise = (_, port) => port } = options;
    const peerPorts = await Promise.all(Array.from({ length: most }, (_, at) => advertise(at, firstPort + 3 * at + 1)));
    return new Members(options, directory, firstPort, peerPorts);
  }

  get endpoints(): string[] {
    return this.all.map(({ member }) => member.clientUrl);
  }

  async start(): Promise<void> {
    await Promise.all(this.all.map((placed) => placed.start()));
  }

  /** A member that joins a cluster of `names` members, itself among them; in the place of one that was there, with its flags. */
  join(at: number, names: number): Placed {
    const placed = this.#place(at, "existing", names);
    this.all[at] = placed;
    return placed;
  }

  dataDir(at: number): string {
    return join(this.directory, `m${at}`);
  }

  async remove(): Promise<void> {
    await Promise.all(this.all.map(({ member }) => member.end()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  #place(at: number, state: "new" | "existing", size: number): Placed {
    const scheme = this.tls === undefined ? "http" : "https";
    const url = (port: number) => `${scheme}://127.0.0.1:${port}`;
    const first = this.#firstPort + 3 * at;
    const [client, peer] = [url(first), url(first + 1)];
    const advertised = (one: number) => url(this.#peerPorts[one] as number);
    const cluster = Array.from({ length: size }, (_, one) => `m${one}=${advertised(one)}`).join(",");
    const name = `m${at}`;
    const dataDir = this.dataDir(at);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const member = new StoreMember(flotilla, name, dataDir, client, [
      ...["--name", name, "--data-dir", dataDir, "--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", advertised(at)],
      ...["--initial-cluster", cluster, "--initial-cluster-state", state, "--initial-cluster-token", this.directory],
      ...(this.#options.args ?? []),
    ]);
    const failpoints = `127.0.0.1:${first + 2}`;
    return {
      member,
      peerUrl: advertised(at),
      failpoints: `http://${failpoints}/`,
      start: (environment = {}) => member.start({ GOFAIL_HTTP: failpoints, ...environment }),
    };
  }
}
