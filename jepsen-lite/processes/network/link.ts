/** How one direction between two nodes is. Absent means as it is without it. */
export interface Weather {
  /** `stall`: nothing gets through, nobody is told, and what was sent arrives when it is over, as TCP repeats it. `reset`: connections break, and none is made. */
  readonly cut?: "stall" | "reset";
  /** Each piece is late by this, and by up to `jitterMs` more; the order within a connection stays. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** Each connection is late by its own time up to this, so that what goes by one overtakes what goes by another. */
  readonly spreadMs?: number;
  /** Of so many pieces in a hundred the first packet is lost: they and all behind them wait for TCP to send it again. */
  readonly lossPercent?: number;
  readonly bytesPerSecond?: number;
}

/** What a link did to the bytes that came by: the proof that a fault had an effect. */
export interface LinkCounts {
  /** Pieces that had to wait for the end of a cut, and connections that could not be made. */
  readonly held: number;
  /** Connections that were broken. */
  readonly broken: number;
  /** Pieces that were late: by delay, loss or a narrow line. */
  readonly late: number;
}

/** What goes through a link and is told when its weather changes. */
export interface Traveller {
  weatherChanged(): void;
  break(): void;
}

/** TCP's shortest time until it sends again what was lost (RFC 6298 has 1 s, Linux 200 ms). */
const retransmissionMs = 200;

/** One direction between two nodes, over however many connections. */
export class Link implements LinkCounts {
  held = 0;
  broken = 0;
  late = 0;
  readonly #travellers = new Set<Traveller>();
  readonly #random: () => number;
  #weather: Weather = {};
  /** When the line is free again, of one with a limit. */
  #freeMs = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    this.#freeMs = 0;
    for (const traveller of [...this.#travellers]) {
      if (weather.cut === "reset") {
        this.broken++;
        traveller.break();
      } else traveller.weatherChanged();
    }
  }

  get isOpen(): boolean {
    return this.#weather.cut === undefined;
  }

  enter(traveller: Traveller): void {
    this.#travellers.add(traveller);
  }

  leave(traveller: Traveller): void {
    this.#travellers.delete(traveller);
  }

  /** How late a piece is that is sent at `nowMs` over a connection with its own share (0 … 1) of the spread. */
  latenessMs(nowMs: number, bytes: number, share: number): number {
    const { delayMs = 0, jitterMs = 0, spreadMs = 0, lossPercent = 0, bytesPerSecond } = this.#weather;
    let lateMs = delayMs + jitterMs * this.#random() + spreadMs * share;
    if (lossPercent > 0 && this.#random() * 100 < lossPercent) lateMs += retransmissionMs;
    if (bytesPerSecond !== undefined) {
      this.#freeMs = Math.max(this.#freeMs, nowMs) + (bytes / bytesPerSecond) * 1000;
      lateMs += this.#freeMs - nowMs;
    }
    if (lateMs > 0) this.late++;
    return lateMs;
  }
}
