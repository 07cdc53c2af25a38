import type { Server, Socket } from "node:net";
import { type Clock, type Log, toUtf8 } from "../../../base/mod.ts";
import { raftpb, WireError } from "../../../proto/mod.ts";
import type { Message } from "../../../raft/mod.ts";
import { failpoints } from "../../failpoint/mod.ts";
import type { Counter, MemberMetrics } from "../../metrics/mod.ts";
import type { SnapshotStage } from "../../snap/mod.ts";
import type { TlsOptions } from "../../tls/mod.ts";
import type { PeerRequest } from "../transport.ts";
import { Connection, type ConnectionEvents } from "./connection.ts";
import { type FrameKind, frame, frameKinds } from "./frame.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";
import { listen } from "./network.ts";

const helloTimeoutMs = 5000;

export interface AcceptorOptions {
  readonly urls: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly reusePort?: boolean;
  readonly readTimeoutMs?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Our own introduction as an answer to theirs, or in words why they are refused; "removed" if they are members no more. */
  readonly welcome: (theirs: Hello) => Hello | string;
  readonly onMessage: (message: Message) => void;
  readonly onRequest: (kind: PeerRequest, payload: Uint8Array) => Promise<Uint8Array>;
  readonly openStage: () => Promise<SnapshotStage>;
  readonly metrics: MemberMetrics;
  readonly onSnapshot: (message: Message, stage: string) => void;
}

/** Takes the connections of the other members: what they send us. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #connections = new Set<Connection>();
  #servers: Server[] = [];

  private constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  static async open(options: AcceptorOptions): Promise<Acceptor> {
    const acceptor = new Acceptor(options);
    const rejected = (remote: string, serverName: string, error: string) =>
      options.log("warn", "rejected connection on peer endpoint", {
        "remote-addr": remote,
        "server-name": serverName,
        error,
      });
    try {
      for (const url of options.urls) {
        acceptor.#servers.push(
          await listen(url, options.tls, (socket) => acceptor.#accept(socket), rejected, options.reusePort),
        );
      }
    } catch (error) {
      await acceptor.stop();
      throw error;
    }
    return acceptor;
  }

  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const connection of this.#connections) connection.close("stopping");
    await Promise.all(closed);
  }

  #accept(socket: Socket): void {
    let onFrame: ((kind: FrameKind, payload: Uint8Array) => void) | undefined;
    let onClosed: (() => void) | undefined;
    let receivedBytes: Counter | undefined;
    const events: ConnectionEvents = {
      frame: (kind, payload) => {
        if (onFrame !== undefined) return onFrame(kind, payload);
        hurry.cancel();
        const theirs = kind === frameKinds.hello ? decodeHello(payload) : undefined;
        const ours = theirs === undefined ? "no hello" : this.#options.welcome(theirs);
        if (theirs === undefined || typeof ours === "string") {
          this.#options.log("warn", "rejected connection on peer endpoint", {
            "remote-addr": connection.remoteAddress,
            error: ours,
          });
          connection.send(ours === "removed" ? frameKinds.removed : frameKinds.refused, toUtf8(String(ours)));
          connection.finish("refused");
          return;
        }
        connection.send(frameKinds.welcome, encodeHello(ours));
        [onFrame, onClosed] =
          theirs.stream === "snapshot" ? this.#snapshot(connection, theirs) : [this.#stream(connection), undefined];
        if (theirs.stream !== "join") receivedBytes = this.#options.metrics.peerReceivedBytes.with(hex(theirs));
      },
      received: (bytes) => {
        if (receivedBytes !== undefined) receivedBytes.value += bytes;
      },
      closed: () => {
        this.#connections.delete(connection);
        hurry.cancel();
        onClosed?.();
      },
    };
    const { clock, readTimeoutMs } = this.#options;
    const connection: Connection = new Connection(socket, clock, events, readTimeoutMs);
    this.#connections.add(connection);
    const hurry = this.#options.clock.after(helloTimeoutMs, () => connection.close("no hello"));
  }

  #stream(connection: Connection): (kind: FrameKind, payload: Uint8Array) => void {
    return (kind, payload) => {
      if (failpoints.armed && failpoints.returned("raftDropHeartbeat") !== undefined) return;
      if (kind === frameKinds.message) this.#options.onMessage(raftpb.Message.decode(payload) as Message);
      else if (kind === frameKinds.request) void this.#answer(connection, payload);
    };
  }

  async #answer(connection: Connection, request: Uint8Array): Promise<void> {
    const number = request.subarray(0, 4);
    let failed = 0;
    let answer: Uint8Array;
    try {
      answer = await this.#options.onRequest(request[4] as PeerRequest, request.subarray(5));
    } catch (error) {
      failed = 1;
      answer = toUtf8((error as Error).message);
    }
    connection.write(frame(frameKinds.response, Buffer.concat([number, Uint8Array.of(failed), answer])));
  }

  /** Chunks, the MsgSnap, an end: staged in order, one write at a time, the sender held back meanwhile. */
  #snapshot(connection: Connection, theirs: Hello): [(kind: FrameKind, payload: Uint8Array) => void, () => void] {
    let message: Message | undefined;
    let stage: SnapshotStage | undefined;
    let complete = false;
    let work: Promise<void> = Promise.resolve();
    const { metrics, clock } = this.#options;
    const from = hex(theirs);
    const startMs = clock.monotonic();
    metrics.snapshotsReceiving.with(from).value++;
    const step = async (kind: FrameKind, payload: Uint8Array) => {
      if (kind === frameKinds.message) {
        message = raftpb.Message.decode(payload) as Message;
      } else if (kind === frameKinds.chunk) {
        stage ??= await this.#options.openStage();
        await stage.write(payload);
      } else if (kind === frameKinds.end && message !== undefined && stage !== undefined) {
        const syncMs = clock.monotonic();
        await stage.finish();
        complete = true;
        metrics.snapshotFsyncSeconds.observe((clock.monotonic() - syncMs) / 1000);
        metrics.snapshotSaveSeconds.observe((clock.monotonic() - startMs) / 1000);
        metrics.snapshotReceiveSeconds.with(from).observe((clock.monotonic() - startMs) / 1000);
        this.#options.onSnapshot(message, stage.name);
        connection.send(frameKinds.response, new Uint8Array(5));
      }
    };
    const onFrame = (kind: FrameKind, payload: Uint8Array) => {
      connection.pause();
      work = work
        .then(() => step(kind, payload))
        .then(() => connection.resume())
        .catch((error: Error) => {
          if (!(error instanceof WireError))
            this.#options.log("error", "cannot take a snapshot", { error: error.message });
          connection.close(error.message);
        });
    };
    const onClosed = () => {
      void work.then(async () => {
        metrics.snapshotsReceiving.with(from).value--;
        (complete ? metrics.snapshotsReceived : metrics.snapshotReceiveFailures).with(from).value++;
        if (!complete) await stage?.discard();
      });
    };
    return [onFrame, onClosed];
  }
}

function hex({ from }: Hello): string {
  return from.toString(16);
}
