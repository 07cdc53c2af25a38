import type { Socket } from "node:net";

/** How every client of HTTP/2 begins (RFC 9113 §3.4), and no request of HTTP/1. */
const preface = Buffer.from("PRI");
/** For the first bytes; after them, the servers have limits of their own. */
const silenceMs = 60_000;

/** Calls `then` once with what the client of a fresh connection speaks, by its first bytes, which the socket still has. Not called when none come. */
export function whenClientBegins(socket: Socket, then: (version: "http1" | "http2") => void): void {
  const giveUp = () => socket.destroy();
  const look = () => {
    const head = socket.read(preface.length) as Buffer | null;
    if (head === null) {
      socket.once("readable", look);
      return;
    }
    socket.off("error", giveUp);
    socket.setTimeout(0);
    socket.off("timeout", giveUp);
    socket.unshift(head);
    then(head.equals(preface) ? "http2" : "http1");
  };
  socket.on("error", giveUp);
  socket.setTimeout(silenceMs, giveUp);
  socket.once("readable", look);
}
