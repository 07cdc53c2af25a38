import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import { FakeClock } from "./fake-clock.ts";
import { LoopDisk } from "./loop-disk.ts";
import { MemberProcess, type UnexpectedEnd } from "./member-process.ts";
import { Network } from "./network/network.ts";
import { freePorts } from "./ports.ts";
import { commandOf, type Store } from "./store.ts";

/** One member as faults and clients see it. Its name stays that of its place when the member there is replaced. */
export interface Member {
  readonly name: string;
  /** Where it listens itself, past the network that faults break. */
  readonly directUrl: string;
  /** Where clients find it. */
  readonly clientUrl: string;
  readonly pid: number | undefined;
  /** What it is made of, if it was started here. */
  readonly own: OwnMember | undefined;
}

export interface OwnMember {
  readonly directUrl: string;
  readonly process: MemberProcess;
  readonly dataDir: string;
  /** As others reach it. */
  readonly peerUrl: string;
  readonly disk: LoopDisk | undefined;
  readonly clock: FakeClock | undefined;
  /** Where its failpoints are set, if it has any. */
  readonly failpointsUrl: string;
  readonly place: Place;
}

/** What of a member's world can be broken only if it was made for that. */
export type Preparation = "disk" | "clock" | "failpoints";

export interface ClusterOptions {
  readonly store: Store;
  readonly members: number;
  /** Data and outputs go there; it must exist. */
  readonly directory: string;
  readonly prepare?: ReadonlySet<Preparation>;
  readonly extraFlags?: readonly string[];
  readonly random: () => number;
}

const diskMegabytes = 256;

/** Members that faults can be done to: some that were started here, or somebody else's by their addresses. */
export class Cluster {
  readonly directory: string | undefined;
  readonly network: Network;
  readonly store: Store | undefined;
  readonly #members: Member[];
  readonly #options: ClusterOptions | undefined;
  readonly #disks: LoopDisk[] = [];
  #keepsData = false;
  readonly #ended: UnexpectedEnd[] = [];

  private constructor(network: Network, members: Member[], options: ClusterOptions | undefined) {
    this.network = network;
    this.#members = members;
    this.#options = options;
    this.directory = options?.directory;
    this.store = options?.store;
  }

  /** Members with nothing in them, behind a network that can be broken; they are started, and not waited for. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const network = new Network(options.random);
    const cluster = new Cluster(network, [], options);
    process.once("exit", cluster.#leave);
    try {
      const places = await Promise.all(Array.from({ length: options.members }, (_, at) => cluster.#place(`m${at}`)));
      const initialCluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
      for (const place of places) cluster.#members.push(cluster.#settle(place, initialCluster, "new"));
      for (const { own } of cluster.#members) own!.process.start();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  /** Somebody else's, whose clients go through a network of ours. `pids` in the order of the endpoints, or none. */
  static async at(endpoints: readonly string[], pids: readonly number[], random: () => number): Promise<Cluster> {
    const network = new Network(random);
    const members = endpoints.map(async (endpoint, at): Promise<Member> => {
      const { hostname, port } = new URL(endpoint);
      if (hostname !== "127.0.0.1" && hostname !== "localhost")
        return { name: `m${at}`, directUrl: endpoint, clientUrl: endpoint, pid: pids[at], own: undefined };
      const gate = await network.openGate(`m${at}`, () => Number(port));
      const clientUrl = `http://127.0.0.1:${gate}`;
      return { name: `m${at}`, directUrl: endpoint, clientUrl, pid: pids[at], own: undefined };
    });
    return new Cluster(network, await Promise.all(members), undefined);
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  get names(): string[] {
    return this.#members.map(({ name }) => name);
  }

  member(name: string): Member {
    const found = this.#members.find((member) => member.name === name);
    if (found === undefined) throw new Failure("NoMember", `there is no member ${name}`, `There are ${this.names}`);
    return found;
  }

  /** Of a cluster that was started here. */
  own(name: string): OwnMember {
    const { own } = this.member(name);
    if (own === undefined) throw new Failure("NotOurs", `${name} was not started here`, "Let jepsen start the cluster");
    return own;
  }

  /** A place for one more member, not started: it has to be added to the cluster under its peer URL first. */
  prepareMember(name: string): Promise<Place> {
    return this.#place(name);
  }

  /** Starts what joins the cluster of the others, with nothing in its directory; takes the place of who is called the same. */
  join(place: Place): Member {
    const others = this.#members.filter(({ name }) => name !== place.name);
    const known = others.map(({ name, own }) => `${name}=${own!.peerUrl}`);
    for (const file of readdirSync(place.dataDir)) rmSync(join(place.dataDir, file), { recursive: true, force: true });
    const member = this.#settle(place, [...known, `${place.name}=${place.peerUrl}`].join(","), "existing");
    const at = this.#members.findIndex(({ name }) => name === place.name);
    if (at < 0) this.#members.push(member);
    else {
      this.#ended.push(...this.#members[at]!.own!.process.unexpected);
      this.#members[at] = member;
    }
    member.own!.process.start();
    return member;
  }

  /** Takes a member out of the list, whose process has ended. */
  forget(name: string): void {
    const at = this.#members.findIndex((member) => member.name === name);
    if (at >= 0) this.#ended.push(...(this.#members.splice(at, 1)[0]?.own?.process.unexpected ?? []));
  }

  /** Processes that ended although nobody had ended them. */
  get unexpectedEnds(): UnexpectedEnd[] {
    return [...this.#ended, ...this.#members.flatMap(({ own }) => own?.process.unexpected ?? [])];
  }

  /** What each member wrote, who was replaced too: who comes after it goes on in the same file. */
  get outputs(): Readonly<Record<string, string>> {
    if (this.directory === undefined) return {};
    const files = readdirSync(this.directory).filter((file) => file.endsWith(".log"));
    return Object.fromEntries(files.map((file) => [file, readFileSync(join(this.directory!, file), "utf8")]));
  }

  /** Ends all processes; what they wrote and had stays. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await Promise.all(this.#members.map(({ own }) => own?.process.end(signal)));
  }

  /** Data stays when everything else goes: somebody will want to look at it. Of a member with a disk of its own, a copy does. */
  keepData(): void {
    this.#keepsData = true;
    for (const { own } of this.#members)
      if (own?.disk !== undefined) cpSync(own.dataDir, `${own.dataDir}.kept`, { recursive: true });
  }

  /** Ends what runs, gives ports and disks back, and removes the data unless it is kept. Outputs stay. */
  async remove(): Promise<void> {
    await this.end("SIGKILL");
    await this.network.close();
    for (const disk of this.#disks) disk.remove();
    process.off("exit", this.#leave);
    if (this.directory !== undefined && !this.#keepsData)
      rmSync(join(this.directory, "data"), { recursive: true, force: true });
  }

  /** This process ends before its time: nobody may be left behind without it. */
  readonly #leave = (): void => {
    for (const { own } of this.#members) own?.process.signal("SIGKILL");
    // A disk is busy until its process is gone, and nothing can be waited for any more.
    if (this.#disks.length > 0) spawnSync("sleep", ["0.5"]);
    for (const disk of this.#disks) disk.remove();
  };

  async #place(name: string): Promise<Place> {
    const { directory, prepare } = this.#options!;
    const [client = 0, peer = 0, failpoints = 0] = await freePorts(3);
    const dataDir = join(directory, "data", name);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const disk = prepare?.has("disk") ? new LoopDisk(dataDir, `${dataDir}.img`, diskMegabytes) : undefined;
    if (disk !== undefined) this.#disks.push(disk);
    const peerGate = await this.network.openGate(name, () => peer);
    const clientGate = await this.network.openGate(name, () => client);
    return { name, client, peer, failpoints, dataDir, disk, peerUrl: url(peerGate), clientUrl: url(clientGate) };
  }

  #settle(place: Place, initialCluster: string, state: "new" | "existing"): Member {
    const { directory, store, prepare, extraFlags = [] } = this.#options!;
    const { name, dataDir, disk, peerUrl, clientUrl } = place;
    const [directUrl, listenPeerUrl] = [url(place.client), url(place.peer)];
    const clock = prepare?.has("clock") ? new FakeClock(join(directory, `${name}.clock`), directUrl) : undefined;
    const failpoints = `127.0.0.1:${place.failpoints}`;
    const token = directory;
    const flags = { name, dataDir, clientUrl: directUrl, listenPeerUrl, advertisePeerUrl: peerUrl, initialCluster };
    const process = new MemberProcess({
      name,
      command: commandOf(store, { ...flags, state, token }, extraFlags),
      outputFile: join(directory, `${name}.log`),
      environment: {
        ...(prepare?.has("failpoints") ? { GOFAIL_HTTP: failpoints } : {}),
        ...clock?.environment,
      },
    });
    this.network.addNode(name, () => process.pid);
    const own: OwnMember = {
      directUrl,
      process,
      dataDir,
      peerUrl,
      disk,
      clock,
      failpointsUrl: `http://${failpoints}/`,
      place,
    };
    return {
      ...{ name, directUrl, clientUrl, own },
      get pid() {
        return process.pid;
      },
    };
  }
}

/** A member's ports and directories, before there is a member. */
export interface Place {
  readonly name: string;
  readonly client: number;
  readonly peer: number;
  readonly failpoints: number;
  readonly dataDir: string;
  readonly disk: LoopDisk | undefined;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

function url(port: number): string {
  return `http://127.0.0.1:${port}`;
}
