import type { Clock, Log } from "../../../base/mod.ts";
import { type Message, MessageType, type NodeId } from "../../../raft/mod.ts";
import type { TlsOptions } from "../../tls/mod.ts";
import type { PeerAddress, PeerRequest, Transport } from "../transport.ts";
import type { TransportUser } from "../world.ts";
import { Acceptor } from "./acceptor.ts";
import type { Hello } from "./hello.ts";
import { Remote } from "./remote.ts";
import { sendSnapshot } from "./snapshot-sender.ts";

export interface PeerTransportOptions extends TransportUser {
  readonly listenUrls: readonly string[];
  readonly reusePort?: boolean;
  /** Silence of a member after which its connection is given up. Default 5000. */
  readonly readTimeoutMs?: number;
  readonly tls: TlsOptions | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Members on the network: each sends on connections that it dials, and takes what others send on those they dialled. */
export class PeerTransport implements Transport {
  readonly #options: PeerTransportOptions;
  readonly #remotes = new Map<NodeId, Remote>();
  #acceptor: Acceptor | undefined;

  private constructor(options: PeerTransportOptions) {
    this.#options = options;
  }

  /** Rejects with a `Failure` if it cannot listen. */
  static async open(options: PeerTransportOptions): Promise<PeerTransport> {
    const transport = new PeerTransport(options);
    const { listenUrls, tls, clock, log, events } = options;
    transport.#acceptor = await Acceptor.open({
      urls: listenUrls,
      reusePort: options.reusePort,
      readTimeoutMs: options.readTimeoutMs,
      tls,
      clock,
      log,
      welcome: (theirs) => transport.#welcome(theirs),
      onMessage: (message) => events.message(message),
      onRequest: (kind, payload) => events.request(kind, payload),
      openStage: options.openStage,
      metrics: options.metrics,
      onSnapshot: (message, stage) => events.snapshotReceived(message, stage),
    });
    return transport;
  }

  send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const first = messages[0]!.to;
    // Mostly a turn has something for one member, or one message for each.
    if (messages.every((message) => message.to === first && message.type !== MessageType.MsgSnap)) {
      this.#remotes.get(first)?.send(messages);
      return;
    }
    const byMember = new Map<NodeId, Message[]>();
    for (const message of messages) {
      if (message.type === MessageType.MsgSnap) {
        void this.#sendSnapshot(message);
        continue;
      }
      const batch = byMember.get(message.to);
      if (batch === undefined) byMember.set(message.to, [message]);
      else batch.push(message);
    }
    for (const [id, batch] of byMember) this.#remotes.get(id)?.send(batch);
  }

  request(to: NodeId, kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array> {
    const remote = this.#remotes.get(to);
    if (remote === undefined) return Promise.reject(new Error("no such member"));
    return remote.request(kind, payload);
  }

  abandonRequests(to: NodeId): void {
    this.#remotes.get(to)?.abandonRequests();
  }

  setPeers(peers: readonly PeerAddress[]): void {
    const wanted = new Map(peers.filter(({ id }) => id !== this.#options.self).map((peer) => [peer.id, peer]));
    for (const [id, remote] of this.#remotes) {
      const urls = wanted.get(id)?.peerUrls.join();
      if (urls === remote.address.peerUrls.join()) continue;
      remote.stop();
      this.#remotes.delete(id);
    }
    for (const peer of wanted.values()) {
      if (!this.#remotes.has(peer.id)) this.#remotes.set(peer.id, this.#remote(peer));
    }
  }

  connectedSince(id: NodeId): number | undefined {
    return this.#remotes.get(id)?.upSinceMs;
  }

  versionOf(id: NodeId): string | undefined {
    return this.#remotes.get(id)?.version;
  }

  async stop(): Promise<void> {
    for (const remote of this.#remotes.values()) remote.stop();
    await this.#acceptor?.stop();
  }

  #remote(peer: PeerAddress): Remote {
    const { events, ...own } = this.#options;
    const onUnreachable = (id: NodeId) => queueMicrotask(() => events.unreachable(id));
    const onRemoved = () => queueMicrotask(() => events.removed());
    return new Remote(peer, { ...own, onUnreachable, onRemoved });
  }

  #welcome(theirs: Hello): Hello | string | "removed" {
    const { clusterId, self, version, peerUrls, isRemoved, events } = this.#options;
    const { from, stream } = theirs;
    const ours: Hello = { clusterId, from: self, to: from, stream, version, peerUrls: peerUrls() };
    if (stream === "join") return ours;
    const hex = (id: bigint) => id.toString(16);
    if (theirs.clusterId !== clusterId)
      return `it belongs to cluster ${hex(theirs.clusterId)}, this is ${hex(clusterId)}`;
    if (theirs.to !== self) return `it looks for member ${hex(theirs.to)}, this is ${hex(self)}`;
    if (isRemoved(from)) return "removed";
    if (theirs.peerUrls.length > 0) queueMicrotask(() => events.introduced({ id: from, peerUrls: theirs.peerUrls }));
    return ours;
  }

  async #sendSnapshot(message: Message): Promise<void> {
    const { tls, clock, log, events, openSnapshot, metrics } = this.#options;
    const remote = this.#remotes.get(message.to);
    const peer = message.to.toString(16);
    if (remote === undefined) return;
    const { index } = message.snapshot!.metadata;
    log("info", "sending a snapshot", { peer, index });
    const startMs = clock.monotonic();
    metrics.snapshotsSending.with(peer).value++;
    try {
      await sendSnapshot(remote.address, remote.hello("snapshot"), tls, clock, () => openSnapshot(message));
      events.snapshotSent(message.to, true);
      metrics.snapshotsSent.with(peer).value++;
      metrics.snapshotSendSeconds.with(peer).observe((clock.monotonic() - startMs) / 1000);
      log("info", "sent a snapshot", { peer, index });
    } catch (error) {
      log("warn", "cannot send a snapshot", { peer, index, error: (error as Error).message });
      metrics.snapshotSendFailures.with(peer).value++;
      events.snapshotSent(message.to, false);
    } finally {
      metrics.snapshotsSending.with(peer).value--;
    }
  }
}
