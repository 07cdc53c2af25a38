import type { Socket } from "node:net";
import { preface } from "../../../proto/mod.ts";

/** This much tells HTTP/2 from every HTTP/1.1 method: "PRI" begins none. */
const tellingBytes = 3;

/** Waits for the first bytes and says which protocol they are of. `first` has been read from the socket, which is paused. */
export function sniff(socket: Socket, decide: (protocol: "http2" | "http1", first: Uint8Array) => void): void {
  let first: Uint8Array = new Uint8Array(0);
  const onData = (chunk: Uint8Array) => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const telling = first.subarray(0, tellingBytes);
    const matches = telling.every((byte, i) => byte === preface[i]);
    if (matches && first.length < tellingBytes) return;
    socket.off("data", onData);
    socket.pause();
    decide(matches ? "http2" : "http1", first);
  };
  socket.on("data", onData);
}
