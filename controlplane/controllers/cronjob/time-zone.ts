/** Offsets change at full quarters of an hour only. */
const quarterMs = 15 * 60_000;
const cacheLimit = 10_000;

/** Civil time of one place. Instants are milliseconds since the epoch; civil times are written as the instant that UTC would give them. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new Map<number, number>();

  /** `name` as in the IANA database. Throws RangeError for a name that is not in it. */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** How far civil time is ahead of UTC. */
  offsetMs(atMs: number): number {
    const quarter = Math.floor(atMs / quarterMs);
    const known = this.#offsets.get(quarter);
    if (known !== undefined) return known;
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(quarter * quarterMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter * quarterMs;
    if (this.#offsets.size > cacheLimit) this.#offsets.clear();
    this.#offsets.set(quarter, offset);
    return offset;
  }

  civil(atMs: number): Date {
    return new Date(atMs + this.offsetMs(atMs));
  }

  /**
   * The instant of a civil time; fields beyond their range carry over. A civil time that exists twice means the first one, or the second,
   * as Go's time.Date does; one that does not exist is moved by the gap.
   */
  instant(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
    const civilMs = Date.UTC(year, month, day, hour, minute, second);
    const guess = civilMs - this.offsetMs(civilMs);
    return civilMs - this.offsetMs(guess);
  }

  /** RFC 3339 with this zone's offset. */
  format(atMs: number): string {
    const offset = this.offsetMs(atMs) / 60_000;
    const text = this.civil(atMs).toISOString().slice(0, 19);
    if (offset === 0) return `${text}Z`;
    const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, "0");
    return `${text}${offset < 0 ? "-" : "+"}${two(Math.trunc(offset / 60))}:${two(offset % 60)}`;
  }
}
