import {
  type PeerAddress,
  type PeerRequest,
  peerRequests,
  type Transport,
  type TransportUser,
} from "../../kvstore/mod.ts";
import { type Message, MessageType } from "../../raft/mod.ts";
import type { SimulatedMessage } from "../report/mod.ts";
import type { Process } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Timeline } from "./timeline.ts";

const typeNames = new Map<number, string>(Object.entries(MessageType).map(([name, type]) => [type, name]));

const requestTimeoutMs = 5000;
/** Who asks on its way in waits for as long as the connection shows signs of life. */
const strangerTimeoutMs = 20_000;
const dialMs = 20;
const redialMs = 300;

/** What the transports of one cluster share. */
export interface Wires {
  readonly timeline: Timeline;
  readonly network: Network;
  /** Who runs at a peer URL now. */
  processAt(url: string): Process | undefined;
  /** Looks at a message before it leaves. */
  observe(from: Process, message: Message): void;
  /** Told of what became of each message but snapshots. */
  readonly sent?: ((message: SimulatedMessage) => void) | undefined;
}

/** Another member: where it is, and the process that the connection to it ends in, while there is one. */
interface Peer {
  readonly address: PeerAddress;
  process: Process | undefined;
  upSinceMs: number;
}

interface Asked {
  readonly to: bigint;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** A member's way to the others over the simulated network, with what TCP connections between them would do. */
export class VirtualTransport implements Transport {
  readonly #wires: Wires;
  readonly #process: Process;
  readonly #user: TransportUser;
  readonly #peers = new Map<bigint, Peer>();
  readonly #versions = new Map<bigint, string>();
  readonly #asked = new Set<Asked>();

  constructor(wires: Wires, process: Process, user: TransportUser) {
    this.#wires = wires;
    this.#process = process;
    this.#user = user;
  }

  get user(): TransportUser {
    return this.#user;
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#wires.observe(this.#process, message);
      if (message.type === MessageType.MsgSnap) void this.#sendSnapshot(message);
      else this.#send(message);
    }
  }

  #send(message: Message): void {
    const { network, timeline } = this.#wires;
    const target = this.#connected(message.to);
    if (target === undefined) {
      if (this.#peers.has(message.to)) this.#later(() => this.#user.events.unreachable(message.to));
      return;
    }
    const [from, to] = [this.#process.machine.index, target.machine.index];
    timeline.note(message.type * 65_536 + message.entries.length);
    timeline.note(message.term * 65_536 + message.index);
    // A proposal that came twice would be one twice: connections do not double.
    const arrivalUs = network.send(from, to, message.type !== MessageType.MsgProp, {
      to: target,
      kind: "message",
      arrive: () => target.transport?.receive(message, this),
    });
    this.#wires.sent?.({
      sentNs: timeline.nowUs * 1000,
      ...(arrivalUs === undefined ? {} : { deliveredNs: arrivalUs * 1000 }),
      ...{ from: this.#process.machine.name, to: target.machine.name, type: typeNames.get(message.type) ?? "" },
      text: `${message.term}/${message.index}, ${message.entries.length} entries${message.reject ? ", rejected" : ""}`,
    });
  }

  /** What the other end of a connection has for this member. */
  receive(message: Message, sender: VirtualTransport): void {
    const { isRemoved, self, events } = this.#user;
    if (isRemoved(message.from)) sender.#later(() => sender.#user.events.removed());
    else if (message.to === self) events.message(message);
  }

  request(to: bigint, kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array> {
    const target = this.#connected(to);
    if (target === undefined) return Promise.reject(new Error("no connection"));
    return new Promise((resolve, reject) => {
      const settle = () => {
        timer.cancel();
        this.#asked.delete(asked);
      };
      const asked: Asked = {
        to,
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      this.#asked.add(asked);
      const timer = this.#process.clock.after(requestTimeoutMs, () => asked.reject(new Error("no answer")));
      this.#stream(this.#process, target, () => {
        const answer = (happen: () => void) => this.#stream(target, this.#process, happen);
        answerOf(target, kind, payload).then(
          (bytes) => answer(() => asked.resolve(bytes)),
          (error: unknown) => answer(() => asked.reject(error as Error)),
        );
      });
    });
  }

  abandonRequests(to: bigint): void {
    for (const asked of [...this.#asked]) if (asked.to === to) asked.reject(new Error("somebody else is asked"));
  }

  setPeers(peers: readonly PeerAddress[]): void {
    const wanted = new Map(peers.map((address) => [address.id, address]));
    for (const [id, { address }] of this.#peers) {
      if (wanted.get(id)?.peerUrls.join() !== address.peerUrls.join()) this.#peers.delete(id);
    }
    for (const address of peers) {
      if (address.id === this.#user.self || this.#peers.has(address.id)) continue;
      const peer = { address, process: undefined, upSinceMs: 0 };
      this.#peers.set(address.id, peer);
      this.#dial(peer, dialMs);
    }
  }

  connectedSince(id: bigint): number | undefined {
    return this.#connected(id) === undefined ? undefined : this.#peers.get(id)?.upSinceMs;
  }

  versionOf(id: bigint): string | undefined {
    return this.#versions.get(id);
  }

  async stop(): Promise<void> {
    for (const asked of [...this.#asked]) asked.reject(new Error("stopping"));
  }

  /** Tries until somebody answers who is that member, or until the member's address is another one. */
  #dial(peer: Peer, afterMs: number): void {
    this.#process.clock.after(afterMs, () => {
      const { id, peerUrls } = peer.address;
      if (this.#peers.get(id) !== peer) return;
      const target = this.#wires.processAt(peerUrls[0] as string);
      const welcome = this.#isReachable(target) ? target?.transport?.welcome(this, id) : undefined;
      if (welcome === "removed") this.#user.events.removed();
      else if (welcome === undefined) this.#dial(peer, redialMs);
      else {
        this.#connect(peer, target as Process);
        peer.upSinceMs = this.#process.clock.monotonic();
        this.#versions.set(id, welcome.version);
      }
    });
  }

  /** Who this is, to one that dialled. */
  welcome(dialler: VirtualTransport, wanted: bigint): { readonly version: string } | "removed" | undefined {
    const { self, clusterId, isRemoved, version } = this.#user;
    if (wanted !== self || dialler.#user.clusterId !== clusterId) return undefined;
    if (isRemoved(dialler.#user.self)) return "removed";
    const { self: id, peerUrls } = dialler.#user;
    this.#later(() => this.#user.events.introduced({ id, peerUrls: peerUrls() }));
    return { version };
  }

  /** A process that ends takes its connections with it, and whoever is at the other end notices at once, not when it has something to say. */
  #connect(peer: Peer, target: Process): void {
    peer.process = target;
    target.onDeath(() => {
      if (peer.process === target) this.#disconnect(peer);
    });
  }

  #disconnect(peer: Peer): void {
    peer.process = undefined;
    this.#dial(peer, redialMs);
  }

  /** The process at the other end, if the connection is up; else it is dialled. */
  #connected(id: bigint): Process | undefined {
    const peer = this.#peers.get(id);
    if (peer?.process === undefined) return undefined;
    if (this.#isReachable(peer.process)) return peer.process;
    this.#disconnect(peer);
    return undefined;
  }

  #isReachable(target: Process | undefined): boolean {
    return target !== undefined && !this.#wires.network.isDown(this.#process.machine.index, target.machine.index);
  }

  #later(happen: () => void): void {
    this.#wires.timeline.after(100, this.#process, "message", happen);
  }

  #stream(from: Process, to: Process, arrive: () => void, broken: () => void = () => undefined): void {
    const delivery = { to, kind: "message" as const, arrive };
    this.#wires.network.stream(from.machine.index, to.machine.index, delivery, broken);
  }

  /** One chunk after the other, each when the receiver has the one before. */
  async #sendSnapshot(message: Message): Promise<void> {
    const { to } = message;
    const { events, openSnapshot } = this.#user;
    const target = this.#connected(to);
    const receiver = target?.transport;
    try {
      if (target === undefined || receiver === undefined) throw new Error("connection refused");
      const { chunks, message: announced } = await openSnapshot(message);
      const stage = await this.#across(target, () => receiver.user.openStage());
      for await (const chunk of chunks) await this.#across(target, () => stage.write(chunk));
      await this.#across(target, async () => {
        await stage.finish();
        receiver.user.events.snapshotReceived(announced(), stage.name);
      });
      events.snapshotSent(to, true);
    } catch {
      this.#later(() => events.snapshotSent(to, false));
    }
  }

  /** Does something at the other end and brings back what came of it; rejects when the connection, or the receiver, is lost. */
  #across<T>(target: Process, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(new Error("the connection was lost"));
      const forget = target.onDeath(() => this.#later(lost));
      const answer = (happen: () => void) => this.#stream(target, this.#process, happen);
      const arrive = () => {
        forget();
        work().then(
          (result) => answer(() => resolve(result)),
          (error: unknown) => answer(() => reject(error as Error)),
        );
      };
      this.#stream(this.#process, target, arrive, () => this.#later(lost));
      this.#process.clock.after(20_000, lost);
    });
  }
}

async function answerOf({ transport }: Process, kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array> {
  if (transport === undefined) throw new Error("connection refused");
  return transport.user.events.request(kind, payload);
}

/** What the member at a URL answers to one that is about to join: who is in its cluster. */
export function askStranger({ network, processAt }: Wires, from: Process, url: string): Promise<Uint8Array> {
  const target = processAt(url);
  if (target === undefined) return Promise.reject(new Error("connection refused"));
  return new Promise((resolve, reject) => {
    from.clock.after(strangerTimeoutMs, () => reject(new Error("no answer")));
    const [here, there] = [from.machine.index, target.machine.index];
    const back = (arrive: () => void) =>
      network.stream(there, here, { to: from, kind: "message", arrive }, () => undefined);
    const arrive = () => {
      answerOf(target, peerRequests.members, new Uint8Array(0)).then(
        (bytes) => back(() => resolve(bytes)),
        (error: unknown) => back(() => reject(error as Error)),
      );
    };
    network.stream(here, there, { to: target, kind: "message", arrive }, () => undefined);
  });
}
