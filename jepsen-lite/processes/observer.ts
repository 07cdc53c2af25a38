import { connect, type EtcdClient, EtcdError } from "../../kvstore/client/mod.ts";
import type { StatusResponse } from "../../proto/mod.ts";
import type { ClockSample, LeaderChange } from "../report/mod.ts";
import type { Cluster, Member } from "./cluster.ts";
import { sleep } from "./machine-clock.ts";

const [everyMs, patienceMs] = [100, 400];

/** Looks at every member past the broken network, all the time: who leads, whose clock is where. */
export class Observer {
  readonly leaders: LeaderChange[] = [];
  readonly clocks: ClockSample[] = [];
  readonly #cluster: Cluster;
  readonly #nowNs: () => number;
  readonly #clients = new Map<string, EtcdClient>();
  #leader: string | undefined;
  #over = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, nowNs: () => number) {
    this.#cluster = cluster;
    this.#nowNs = nowNs;
  }

  watch(): void {
    this.#watching = this.#watch();
  }

  /** Who led when it was last seen, in the newest term in which anybody says so of itself. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** A client of one member alone, past the network. */
  clientOf(member: Member): EtcdClient {
    const known = this.#clients.get(member.directUrl);
    if (known !== undefined) return known;
    const client = connect({ endpoints: [member.directUrl], dialTimeoutMs: patienceMs, requireLeader: false });
    this.#clients.set(member.directUrl, client);
    return client;
  }

  /** Undefined of one that does not answer. */
  async status(member: Member): Promise<StatusResponse | undefined> {
    try {
      return await this.clientOf(member).maintenance.status({ timeoutMs: patienceMs });
    } catch (error) {
      if (error instanceof EtcdError) return undefined;
      throw error;
    }
  }

  async statuses(): Promise<Map<Member, StatusResponse>> {
    const { members } = this.#cluster;
    const statuses = await Promise.all(members.map((member) => this.status(member)));
    return new Map(members.flatMap((member, at) => (statuses[at] === undefined ? [] : [[member, statuses[at]]])));
  }

  /** Waits until all members answer, whatever they say; false if they do not in time, or one of them cannot even be started. */
  async answering(patience: number): Promise<boolean> {
    for (const until = performance.now() + patience; performance.now() < until; await sleep(50)) {
      if ((await this.statuses()).size === this.#cluster.members.length) return true;
      if (this.#cluster.members.some(({ own }) => own?.process.runs === false)) return false;
    }
    return false;
  }

  /** Waits until all members serve and one leads; false if they do not in time. */
  async healthy(patience: number): Promise<boolean> {
    for (const until = performance.now() + patience; performance.now() < until; await sleep(50)) {
      const statuses = await this.statuses();
      if (statuses.size < this.#cluster.members.length) continue;
      const leaders = new Set([...statuses.values()].map(({ leader }) => leader));
      if (leaders.size === 1 && !leaders.has(0n)) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    this.#over = true;
    await this.#watching;
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #watch(): Promise<void> {
    for (let round = 0; !this.#over; round++) {
      await this.#lookForLeader();
      if (round % 5 === 0) await this.#lookAtClocks();
      await sleep(everyMs);
    }
  }

  async #lookForLeader(): Promise<void> {
    let newest: { readonly name: string; readonly term: number } | undefined;
    for (const [member, { leader, header, raftTerm }] of await this.statuses())
      if (leader !== 0n && leader === header?.memberId && raftTerm > (newest?.term ?? -1))
        newest = { name: member.name, term: raftTerm };
    this.#leader = newest?.name;
    const last = this.leaders.at(-1);
    if (last !== undefined && last.leader === (newest?.name ?? null) && last.term === newest?.term) return;
    this.leaders.push({ timeNs: this.#nowNs(), leader: newest?.name ?? null, term: newest?.term });
  }

  async #lookAtClocks(): Promise<void> {
    const faked = this.#cluster.members.filter(({ own }) => own?.clock !== undefined && own.process.runs);
    const offsets = await Promise.all(faked.map(({ own }) => own!.clock!.offsetMs()));
    for (const [at, offsetMs] of offsets.entries())
      if (offsetMs !== undefined) this.clocks.push({ timeNs: this.#nowNs(), node: faked[at]!.name, offsetMs });
  }
}
