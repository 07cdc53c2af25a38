import type { Clock } from "../../../base/mod.ts";
import { fromUtf8 } from "../../../base/mod.ts";
import { raftpb } from "../../../proto/mod.ts";
import type { Message } from "../../../raft/mod.ts";
import type { TlsOptions } from "../../tls/mod.ts";
import type { PeerAddress } from "../transport.ts";
import { Connection, type ConnectionEvents } from "./connection.ts";
import { frameKinds } from "./frame.ts";
import { encodeHello, type Hello } from "./hello.ts";
import { dial } from "./network.ts";

const nothing = new Uint8Array(0);
/** A receiver answers when its disk has taken what came before. */
const patienceMs = 20_000;

/** The state machine in runs of bytes that the receiver can stage. */
export interface OutgoingSnapshot {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The MsgSnap with the index that the chunks stand for; known when they have all been taken. */
  message(): Message;
}

/**
 * Streams a snapshot over a connection of its own, at the pace the receiver takes it. Resolves when the receiver has it on its
 * disk and has handed it to its Raft node.
 */
export async function sendSnapshot(
  to: PeerAddress,
  hello: Hello,
  tls: TlsOptions | undefined,
  clock: Clock,
  open: () => Promise<OutgoingSnapshot>,
): Promise<void> {
  const socket = await dial(to.peerUrls[0]!, tls);
  const answers = new Answers();
  const events: ConnectionEvents = {
    frame: (kind, payload) => answers.arrived(kind, payload),
    closed: (reason) => answers.closed(reason),
  };
  const connection = new Connection(socket, clock, events, patienceMs);
  try {
    connection.send(frameKinds.hello, encodeHello(hello));
    await answers.next();
    const { message, chunks } = await open();
    for await (const chunk of chunks) {
      connection.send(frameKinds.chunk, chunk);
      await connection.drained();
      if (answers.failure !== undefined) throw answers.failure;
    }
    connection.send(frameKinds.message, raftpb.Message.encode(message()));
    connection.send(frameKinds.end, nothing);
    await answers.next();
  } finally {
    connection.close("the snapshot is sent");
  }
}

/** The receiver's two answers: welcome, and that it has everything. */
class Answers {
  failure: Error | undefined;
  #arrived = 0;
  #taken = 0;
  #wake: (() => void) | undefined;

  arrived(kind: number, payload: Uint8Array): void {
    if (kind === frameKinds.refused) this.failure = new Error(`refused: ${fromUtf8(payload)}`);
    else this.#arrived++;
    this.#wake?.();
  }

  closed(reason: string): void {
    this.failure ??= new Error(reason);
    this.#wake?.();
  }

  async next(): Promise<void> {
    this.#taken++;
    while (this.failure === undefined && this.#arrived < this.#taken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.failure !== undefined) throw this.failure;
  }
}
