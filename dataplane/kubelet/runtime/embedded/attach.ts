import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../../../base/mod.ts";
import type { StandardStreams } from "../../../../streaming/mod.ts";
import type { LogPump } from "./log-pump.ts";
import type { ContainerRecord } from "./records.ts";
import { followSize } from "./resizer.ts";

export interface AttachOptions {
  readonly record: ContainerRecord;
  /** The container's directory, with its FIFOs. */
  readonly dir: string;
  readonly pump: LogPump;
  /** Resolves when the container has ended and its output was handed on. */
  readonly exited: Promise<void>;
  /** Tells the shim that standard input is at its end. */
  readonly closeStdin: () => void;
  readonly clock: Clock;
}

/**
 * Joins a client to the streams the shim holds. Its end of input ends the container's when the container was promised only one
 * client (stdinOnce, without a terminal), else only the session (as containerd has it).
 */
export async function attach(options: AttachOptions, streams: StandardStreams): Promise<void> {
  const { record, pump, exited } = options;
  const { tty = false, stdin = false, stdinOnce = false } = record.config;
  const left = Promise.withResolvers<void>();
  const over = new AbortController();
  const onGone = () => left.resolve();
  streams.signal.addEventListener("abort", onGone, { once: true });
  if (streams.signal.aborted) onGone();
  const taps = [
    streams.stdout && pump.tap("stdout", streams.stdout),
    streams.stderr && pump.tap("stderr", streams.stderr),
  ];
  const input = stdin && streams.stdin !== undefined ? openInput(options.dir) : undefined;
  if (input !== undefined) {
    streams.stdin?.pipe(input, { end: false });
    streams.stdin?.on("end", () => {
      if (!stdinOnce || tty) return left.resolve();
      // When everything before has been written; the FIFO keeps it for its reader.
      input.write("", () => {
        input.destroy();
        options.closeStdin();
      });
    });
  } else streams.stdin?.resume();
  if (tty) followSize(streams, () => record.pid, options.clock, over.signal);
  try {
    await Promise.race([exited, left.promise]);
  } finally {
    over.abort();
    streams.signal.removeEventListener("abort", onGone);
    for (const untap of taps) untap?.();
    if (input !== undefined) {
      streams.stdin?.unpipe(input);
      input.destroy();
    }
    streams.stdin?.resume();
  }
}

function openInput(dir: string): Socket {
  const fd = openSync(join(dir, "in"), constants.O_WRONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on("error", () => socket.destroy()); // the container has ended, which `exited` tells
  return socket;
}
