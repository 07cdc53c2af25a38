import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flotilla, StoreMember } from "../../store-cluster.ts";

/** So many free ports in a row, below those that the kernel gives to outgoing connections: a member that is down keeps its own. */
export async function freePorts(count: number): Promise<number> {
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

/** For clients, for members, for failpoints. */
const portsEach = 3;

export interface MembersOptions {
  readonly name: string;
  /** At first; more may be made later, up to `most`. */
  readonly size: number;
  readonly most?: number;
  /** Flags of every member. */
  readonly args?: readonly string[];
  /** Members and clients speak TLS: flags of one member for that. */
  readonly tlsArgs?: (at: number) => readonly string[];
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
  readonly all: Placed[] = [];
  readonly #options: MembersOptions;
  readonly #firstPort: number;
  /** Every member that was ever made. */
  readonly #made: StoreMember[] = [];

  private constructor(options: MembersOptions, directory: string, firstPort: number) {
    this.#options = options;
    this.directory = directory;
    this.#firstPort = firstPort;
    for (let at = 0; at < options.size; at++) this.all.push(this.#place(at, "new", options.size));
  }

  static async prepare(options: MembersOptions): Promise<Members> {
    const directory = mkdtempSync(join(tmpdir(), `flotilla-soak-${options.name}-`));
    return new Members(options, directory, await freePorts(portsEach * (options.most ?? options.size)));
  }

  get endpoints(): string[] {
    return this.all.map(({ member }) => member.clientUrl);
  }

  async start(): Promise<void> {
    await Promise.all(this.all.map((placed) => placed.start()));
  }

  /** One more, that is to join the others; what it has to be added as is its `peerUrl`. */
  join(): Placed {
    const placed = this.#place(this.all.length, "existing", this.all.length + 1);
    this.all.push(placed);
    return placed;
  }

  dataDir(at: number): string {
    return join(this.directory, `m${at}`);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#made.map((member) => member.end()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  #place(at: number, state: "new" | "existing", size: number): Placed {
    const { args = [], tlsArgs } = this.#options;
    const url = (one: number, port: number) =>
      `${tlsArgs === undefined ? "http" : "https"}://127.0.0.1:${this.#firstPort + portsEach * one + port}`;
    const [client, peer] = [url(at, 0), url(at, 1)];
    const failpoints = `127.0.0.1:${this.#firstPort + portsEach * at + 2}`;
    const cluster = Array.from({ length: size }, (_, one) => `m${one}=${url(one, 1)}`).join(",");
    const dataDir = this.dataDir(at);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const member = new StoreMember(flotilla, `m${at}`, dataDir, client, [
      ...["--name", `m${at}`, "--data-dir", dataDir, "--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", cluster, "--initial-cluster-state", state, "--initial-cluster-token", this.directory],
      ...[...(tlsArgs?.(at) ?? []), ...args],
    ]);
    this.#made.push(member);
    return {
      member,
      peerUrl: peer,
      failpoints: `http://${failpoints}/`,
      start: (environment = {}) => member.start({ GOFAIL_HTTP: failpoints, ...environment }),
    };
  }
}
