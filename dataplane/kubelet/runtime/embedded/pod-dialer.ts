// Runs inside a pod's network namespace, started by PodDialers: connects to ports of localhost there, and hands the connections over. Ends with its parent, or
// when that has no more use for it.
import { connect } from "node:net";

export interface DialRequest {
  readonly id: number;
  readonly port: number;
}

/** Comes with the connection, or says why there is none. */
export interface DialAnswer {
  readonly id: number;
  readonly error?: string;
}

process.on("message", ({ id, port }: DialRequest) => {
  // Both families, as `localhost` may mean either.
  const socket = connect({ host: "localhost", port, autoSelectFamily: true, noDelay: true });
  // What the other side says first is for the parent to read.
  socket.pause();
  socket.once("error", (error) => process.send?.({ id, error: error.message } satisfies DialAnswer));
  socket.once("connect", () => process.send?.({ id } satisfies DialAnswer, socket));
});
process.on("disconnect", () => process.exit());
