import type { Socket } from "node:net";
import type { Link, Traveller } from "./link.ts";

/** More than this is not taken from a sender whose bytes cannot go on: its own window fills up, as it would. */
const mostHeldBytes = 1 << 20;

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/**
 * One direction of one connection: what is read from `from` is written to `to`, in order, when the link lets it. The end of `from` travels like
 * a piece: beyond a cut nobody hears of it before the cut is over.
 */
export class Pipe implements Traveller {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #link: Link;
  readonly #share: number;
  readonly #pieces: Piece[] = [];
  #heldBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #ending: "no" | "end" | "destroy" = "no";

  /** `share`: of the link's spread, this connection's own (0 … 1). */
  constructor(from: Socket, to: Socket, link: Link, share: number) {
    this.#from = from;
    this.#to = to;
    this.#link = link;
    this.#share = share;
    link.enter(this);
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.on("end", () => this.#end("end"));
    from.on("close", () => this.#end("destroy"));
    to.on("close", () => this.#leave());
  }

  weatherChanged(): void {
    this.#pump();
  }

  break(): void {
    this.#leave();
    this.#from.resetAndDestroy();
    this.#to.resetAndDestroy();
  }

  #take(bytes: Buffer): void {
    const nowMs = performance.now();
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + this.#link.latenessMs(nowMs, bytes.length, this.#share));
    this.#pieces.push({ bytes, dueMs: this.#lastDueMs });
    this.#heldBytes += bytes.length;
    if (!this.#link.isOpen) this.#link.held++;
    if (this.#heldBytes > mostHeldBytes) this.#from.pause();
    this.#pump();
  }

  #end(how: "end" | "destroy"): void {
    if (this.#ending !== "destroy") this.#ending = how;
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (!this.#link.isOpen) return;
    const nowMs = performance.now();
    let sent = 0;
    for (const { bytes, dueMs } of this.#pieces) {
      if (dueMs > nowMs) break;
      sent++;
      this.#heldBytes -= bytes.length;
      if (this.#to.writable) this.#to.write(bytes);
    }
    this.#pieces.splice(0, sent);
    if (this.#heldBytes <= mostHeldBytes) this.#from.resume();
    const next = this.#pieces[0];
    if (next !== undefined) this.#timer = setTimeout(() => this.#pump(), Math.max(1, next.dueMs - nowMs));
    else if (this.#ending === "end") this.#to.end();
    else if (this.#ending === "destroy") this.#to.destroy();
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#link.leave(this);
  }
}
