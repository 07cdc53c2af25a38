import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";

/**
 * The wall clock of one process, by libfaketime (Debian: faketime): it stands in for the C library's functions that ask for the time, and reads the offset from a file at every
 * call. Timers and the monotonic clock stay as they are: a step of the wall clock is what an operator or NTP makes.
 */
export class FakeClock {
  readonly #file: string;
  readonly #url: string;

  /** `url`: where the process answers HTTP, for its clock to be seen in the answers. */
  constructor(file: string, url: string) {
    this.#file = file;
    this.#url = url;
    this.set(0);
  }

  /** What the process has to be started with. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: fakeTimeLibrary() ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** Seconds ahead of the machine's clock, at once. */
  set(offsetSeconds: number): void {
    writeFileSync(this.#file, `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}\n`);
  }

  /** How far its clock is ahead in truth, within a second; undefined when it does not answer. */
  async offsetMs(): Promise<number | undefined> {
    return clockOffsetMs(this.#url);
  }
}

/** How far the clock of who answers at the URL is ahead of ours: HTTP's `Date` has whole seconds. */
export function clockOffsetMs(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request(new URL("/version", url), { timeout: 500, agent: false }, (answer) => {
      answer.resume();
      const date = Date.parse(answer.headers.date ?? "");
      // The second began half a second ago, in the mean.
      resolve(Number.isNaN(date) ? undefined : date + 500 - Date.now());
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

/** Where Debian keeps it, on whatever machine. */
export function fakeTimeLibrary(): string | undefined {
  for (const directory of existsSync("/usr/lib") ? readdirSync("/usr/lib") : []) {
    const library = `/usr/lib/${directory}/faketime/libfaketime.so.1`;
    if (existsSync(library)) return library;
  }
  return undefined;
}
