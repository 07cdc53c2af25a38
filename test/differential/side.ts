import { setTimeout as pause } from "node:timers/promises";
import type { StoreCluster } from "../store-cluster.ts";
import type { Caller, Place, Reference } from "./operations.ts";
import { WatchLog } from "./watch-log.ts";
import { type Answer, type Message, Wire } from "./wire.ts";

/** One of the two stores, as its clients know it: connections, tokens, streams, and what its ids are called in comparisons. */
export class Side {
  readonly cluster: StoreCluster;
  readonly #wires: readonly Wire[];
  readonly #keepAlives = new Map<string, KeepAlives>();
  readonly watches = new Map<number, WatchLog>();
  readonly tokens = new Map<string, string>();
  /** Of members that were added, in order. */
  readonly added: string[] = [];
  /** Of leases that the store has chosen, in order. */
  readonly drawn: string[] = [];
  /** What both sides call an id or a URL. */
  readonly #names = new Map<string, string>();
  #memberIds: readonly string[] = [];
  #clusterId = "";
  /** The last that was known. */
  #leader: number | undefined;

  constructor(cluster: StoreCluster) {
    this.cluster = cluster;
    this.#wires = cluster.members.map(({ clientUrl }) => new Wire(clientUrl));
  }

  async start(): Promise<void> {
    await this.cluster.start();
    const ids: string[] = [];
    for (const [at, { clientUrl }] of this.cluster.members.entries()) {
      const header = headerOf(await this.call("Maintenance/Status", {}, at));
      this.#clusterId = header.cluster_id as string;
      ids.push(header.member_id as string);
      const port = Number(clientUrl.split(":")[2]);
      this.#names.set(header.member_id as string, `<member ${at}>`);
      this.#names.set(clientUrl, `<client ${at}>`);
      this.#names.set(`http://127.0.0.1:${port + 1}`, `<peer ${at}>`);
    }
    this.#memberIds = ids;
  }

  async remove(): Promise<void> {
    this.forget();
    for (const wire of this.#wires) wire.close();
    await this.cluster.remove();
  }

  /** Closes the streams, and drops what the sequence that ends has learned. */
  forget(): void {
    for (const log of this.watches.values()) log.close();
    for (const stream of this.#keepAlives.values()) stream.close();
    this.watches.clear();
    this.#keepAlives.clear();
    this.tokens.clear();
    this.drawn.length = 0;
  }

  call(name: string, request: Message, at = 0, token?: string): Promise<Answer> {
    return this.#wires[at]!.call(name, request, token);
  }

  async collect(name: string, request: Message, at: number) {
    return this.#wires[at]!.collect(name, request);
  }

  tokenOf(caller: Caller): string | undefined {
    if (caller === "forger") return "forgedtokenforge.1";
    return this.tokens.get(caller);
  }

  openWatch(stream: number, at: number, token: string | undefined): WatchLog {
    const log = new WatchLog(this.#wires[at]!, at, token, (message) => this.plain(message, at));
    this.watches.set(stream, log);
    return log;
  }

  async keepAlive(id: string, at: number, token: string | undefined): Promise<Answer> {
    const key = `${at} ${token}`;
    let stream = this.#keepAlives.get(key);
    if (stream === undefined || stream.isOver) {
      stream = new KeepAlives(this.#wires[at]!, token);
      this.#keepAlives.set(key, stream);
    }
    return stream.renew(id);
  }

  addedMember(id: string, urls: readonly string[]): void {
    this.added.push(id);
    this.#names.set(id, `<added at ${urls.join()}>`);
  }

  drawnLease(id: string): void {
    this.drawn.push(id);
    this.#names.set(id, `<lease ${this.drawn.length - 1}>`);
  }

  memberId(at: number): string {
    return this.#memberIds[at]!;
  }

  /** The number that a reference stands for. */
  resolve({ kind, n }: Reference, revision: number, compacted: number): string {
    if (kind === "now") return `${Math.max(1, revision + n)}`;
    if (kind === "compacted") return `${Math.max(1, compacted + n)}`;
    if (kind === "member") return this.#memberIds[n % this.#memberIds.length]!;
    const known = kind === "added" ? this.added : this.drawn;
    return known[n % Math.max(1, known.length)] ?? "4321";
  }

  async placed(place: Place): Promise<number> {
    if (typeof place === "number") return place;
    const leader = this.#leader ?? (await this.findLeader());
    return place === "leader" ? leader : (leader + 1) % this.#wires.length;
  }

  /** All members must be of one opinion. */
  async findLeader(): Promise<number> {
    for (;;) {
      const answers = await Promise.all(
        this.#wires.map((_, at) => this.call("Maintenance/Status", {}, at, this.keeperToken)),
      );
      const [leader, ...others] = answers.map((answer) => ("message" in answer ? answer.message.leader : undefined));
      if (typeof leader === "string" && others.every((other) => other === leader)) {
        this.#leader = this.#memberIds.indexOf(leader);
        return this.#leader;
      }
      await pause(10);
    }
  }

  /** Of root, for what the harness itself asks while authentication is on. */
  keeperToken: string | undefined;

  /** Comparable with the other side, and legible: ids by what they are, bytes as text. */
  plain(value: unknown, asked: number): unknown {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
    if (typeof value === "string") return this.#names.get(value) ?? this.#named(value);
    if (Array.isArray(value)) return value.map((item) => this.plain(item, asked));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        name,
        name === "header" ? this.#plainHeader(item as Message, asked) : this.plain(item, asked),
      ]),
    );
  }

  /** Who answers is who was asked; the term is this side's own affair. */
  #plainHeader({ cluster_id, member_id, raft_term, ...rest }: Message, asked: number): Message {
    return {
      ...rest,
      ...(cluster_id === undefined ? {} : { cluster_id: cluster_id === this.#clusterId ? "<cluster>" : cluster_id }),
      ...(member_id === undefined ? {} : { member_id: member_id === this.#memberIds[asked] ? "<asked>" : member_id }),
      ...(raft_term === undefined ? {} : { raft_term: "<term>" }),
    };
  }

  /** Ids inside a sentence. */
  #named(text: string): string {
    return text.replaceAll(/\d{15,20}/g, (id) => this.#names.get(id) ?? id);
  }
}

export function headerOf(answer: Answer): Message {
  if ("code" in answer) throw new Error(`refused: ${answer.text}`);
  return (answer.message.header ?? {}) as Message;
}

/** A stream of keep-alives, one question at a time. */
class KeepAlives {
  readonly #stream: ReturnType<Wire["open"]>;
  #waiting: ((answer: Answer) => void) | undefined;
  #end: Answer | undefined;

  constructor(wire: Wire, token: string | undefined) {
    this.#stream = wire.open(
      "Lease/LeaseKeepAlive",
      {
        message: (message) => this.#waiting?.({ message }),
        ended: (code, text) => {
          this.#end = { code, text };
          this.#waiting?.(this.#end);
        },
      },
      token,
    );
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  renew(id: string): Promise<Answer> {
    if (this.#end !== undefined) return Promise.resolve(this.#end);
    return new Promise((done) => {
      this.#waiting = done;
      this.#stream.send({ ID: id });
    });
  }

  close(): void {
    this.#stream.cancel();
  }
}
