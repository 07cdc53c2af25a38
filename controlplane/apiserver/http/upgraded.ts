import { PassThrough } from "node:stream";
import { serveReadable, type UpgradeRequest, upgradeOf } from "../../../streaming/mod.ts";
import type { Reply } from "./reply.ts";

type Taken = Reply & { kind: "session" | "stream" };

/** Whether an answer leaves HTTP: sessions do, and streams (logs, watches) for those who ask for a WebSocket. */
export function takesOver(upgrade: UpgradeRequest, reply: Reply): reply is Taken {
  return reply.kind === "session" || (reply.kind === "stream" && upgradeOf(upgrade.request) === "websocket");
}

/** Resolves when the session is over. It ends when the server stops. */
export async function serveUpgrade(upgrade: UpgradeRequest, reply: Taken, signal: AbortSignal): Promise<void> {
  const cut = () => upgrade.socket.destroy();
  signal.addEventListener("abort", cut, { once: true });
  try {
    if (reply.kind === "session") await reply.serve(upgrade);
    else await serveReadable(upgrade, pumpInto(reply, signal));
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

/** What a stream writes, to be read. */
function pumpInto(reply: Reply & { kind: "stream" }, signal: AbortSignal): PassThrough {
  const through = new PassThrough();
  const gone = new AbortController();
  through.on("close", () => gone.abort());
  const drained = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    through.once("drain", resolve);
    through.once("close", resolve);
    return promise;
  };
  const write = (chunk: Uint8Array | string) => through.writable && through.write(chunk);
  reply.pump({ write, drained, signal: AbortSignal.any([signal, gone.signal]) }).then(
    () => through.end(),
    (error: Error) => through.destroy(error),
  );
  return through;
}
