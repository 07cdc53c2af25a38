import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../../../../base/mod.ts";
import type { StandardStreams } from "../../../../streaming/mod.ts";
import { CriError } from "../cri.ts";
import { killUntilGone } from "./exec-sync.ts";
import { isNsenter, processTree, signal } from "./procfs.ts";
import { followSize } from "./resizer.ts";

/** A command whose client has gone hangs up, like a terminal; what is still there after this time is killed. */
const hangUpMs = 2_000;

/**
 * Runs a command between a client's streams; resolves with its exit code when its output has been written. Pipes hold what the slower side
 * has not taken; nothing else does.
 */
export async function execStream(
  argv: readonly string[],
  tty: boolean,
  streams: StandardStreams,
  clock: Clock,
): Promise<number> {
  const [command, ...args] = argv as [string, ...string[]];
  // A terminal's input never ends: its end would be typed as Control-D.
  const stdin = tty || streams.stdin !== undefined ? "pipe" : "ignore";
  const child = spawn(command, args, { stdio: [stdin, "pipe", "pipe"] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on("error", (error) =>
    reject(new CriError("Unknown", `failed to exec in container: ${error.message}`, { cause: error })),
  );
  child.on("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  const over = new AbortController();
  const leave = () => hangUp(child, clock);
  streams.signal.addEventListener("abort", leave, { once: true });
  if (streams.signal.aborted) leave();
  if (child.stdin !== null) feed(streams.stdin, child.stdin, tty);
  if (tty) followSize(streams, () => child.pid, clock, over.signal);
  try {
    const outputs = [pump(child.stdout as Readable, streams.stdout), pump(child.stderr as Readable, streams.stderr)];
    const code = await promise;
    await Promise.all(outputs);
    return code;
  } finally {
    over.abort();
    streams.signal.removeEventListener("abort", leave);
    child.stdin?.destroy();
  }
}

function feed(from: Readable | undefined, to: Writable, tty: boolean): void {
  // A command need not read to the end; what is left over then is nobody's.
  to.on("error", () => from?.resume());
  to.on("close", () => from?.resume());
  from?.on("error", () => undefined); // the session's signal tells
  from?.pipe(to, { end: !tty });
}

/** Until the command's end of it is closed. A client that has gone hears the rest no more. */
function pump(from: Readable, to: Writable | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  from.on("close", resolve);
  if (to === undefined) from.resume();
  else {
    from.pipe(to, { end: false });
    // Whoever waits for a client that does not come back would never see its pipe drained.
    to.on("close", () => from.resume());
    to.on("error", () => from.resume());
  }
  return promise;
}

function hangUp(child: ChildProcess, clock: Clock): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // Not nsenter itself: it waits outside for what it started inside.
  for (const one of processTree(pid)) if (!isNsenter(one)) signal(one, "SIGHUP");
  clock.after(hangUpMs, () => {
    killUntilGone(child, clock);
    child.stdout?.destroy();
    child.stderr?.destroy();
  });
}
