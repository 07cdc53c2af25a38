import type { Readable } from "node:stream";
import { acceptWebSocket, type UpgradeRequest } from "./accept.ts";

/** Sends a stream over a WebSocket, one message for each piece: how clients in browsers follow a log. */
export async function serveReadable(upgrade: UpgradeRequest, source: Readable): Promise<void> {
  const accepted = await acceptWebSocket(upgrade, ["binary.k8s.io", "base64.binary.k8s.io", ""]);
  if (accepted === undefined) return void source.destroy();
  const { socket, protocol } = accepted;
  const isText = protocol.startsWith("base64.");
  socket.on("close", () => source.destroy());
  socket.on("error", () => socket.terminate());
  socket.on("message", () => undefined); // nothing a client may say is of interest
  try {
    for await (const chunk of source) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const bytes = Buffer.from(chunk as Uint8Array);
      socket.send(isText ? bytes.toString("base64") : bytes, () => resolve());
      await promise;
    }
  } catch {
    // The source broke off or the client went: in both cases the socket closes.
  }
  socket.close(1000);
}
