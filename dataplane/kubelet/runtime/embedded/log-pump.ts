import { closeSync, constants, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Writable } from "node:stream";
import type { Clock } from "../../../../base/mod.ts";
import { encodeEntries, type LogStream } from "./cri-log.ts";

const streams = [
  ["out", "stdout"],
  ["err", "stderr"],
] as const satisfies readonly (readonly [string, LogStream])[];

/** Moves a container's output from its FIFOs into its log file, stamping the lines. One per running container. */
export class LogPump {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #sources: { readonly socket: Socket; readonly fd: number; readonly stream: LogStream }[] = [];
  readonly #taps: Readonly<Record<LogStream, Set<Writable>>> = { stdout: new Set(), stderr: new Set() };
  #log: number;

  /** `dir` holds the FIFOs. Opening them also for writing keeps the end of one writer from looking like the end of all. */
  constructor(dir: string, file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    mkdirSync(dirname(file), { recursive: true });
    this.#log = openSync(file, "a", 0o640);
    for (const [fifo, stream] of streams) {
      // Not fs.createReadStream: its blocking read would occupy a thread of libuv's pool for ever.
      const fd = openSync(join(dir, fifo), constants.O_RDWR | constants.O_NONBLOCK);
      const buffer = Buffer.allocUnsafe(64 * 1024);
      const socket = new Socket({
        fd,
        readable: true,
        writable: false,
        onread: {
          buffer,
          // False stops reading at once: what a stream of Node's would read ahead, a killed kubelet would lose.
          callback: (length) => this.#write(buffer.subarray(0, length), stream),
        },
      });
      // The FIFO goes when its container is removed; a read that fails then has nothing left to say.
      socket.on("error", () => socket.destroy());
      socket.unref();
      this.#sources.push({ socket, fd, stream });
    }
  }

  /**
   * Hands a stream's output on as well, from now until the returned function is called. A slow receiver slows the container down, as with
   * containerd.
   */
  tap(stream: LogStream, receiver: Writable): () => void {
    const taps = this.#taps[stream];
    const resume = () => this.#sources.find((source) => source.stream === stream)?.socket.resume();
    const untap = () => {
      taps.delete(receiver);
      receiver.off("drain", resume);
      resume();
    };
    taps.add(receiver);
    receiver.on("drain", resume);
    receiver.on("close", untap);
    return untap;
  }

  /** Takes what is still in the FIFOs, then lets go of them. Nobody writes any more. */
  drainAndClose(): void {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    for (const { socket, fd, stream } of this.#sources) {
      if (socket.destroyed) continue;
      for (;;) {
        const length = readAvailable(fd, buffer);
        if (length === 0) break;
        this.#write(buffer.subarray(0, length), stream);
      }
    }
    this.close();
  }

  /** Lets go; what is unread stays in the FIFOs for the next kubelet. */
  close(): void {
    if (this.#log === -1) return;
    for (const { socket } of this.#sources) socket.destroy();
    closeSync(this.#log);
    this.#log = -1;
  }

  /** After a rotation: goes on in a new file of the old name. */
  reopen(): void {
    if (this.#log === -1) return;
    closeSync(this.#log);
    this.#log = openSync(this.#file, "a", 0o640);
  }

  /** False: some receiver wants no more for now. */
  #write(chunk: Buffer, stream: LogStream): boolean {
    if (this.#log === -1) return false;
    // Synchronous on purpose: order is kept and nothing waits in memory when the kubelet is killed.
    writeSync(this.#log, encodeEntries(chunk, stream, this.#clock.now()));
    let wantMore = true;
    // A copy: the chunk's memory is read into again.
    for (const receiver of this.#taps[stream]) if (!receiver.write(Buffer.from(chunk))) wantMore = false;
    return wantMore;
  }
}

/** 0: nothing there now. */
function readAvailable(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
