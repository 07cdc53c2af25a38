import { createHash } from "node:crypto";
import { hash, hashSync, verify } from "@node-rs/bcrypt";
import { toUtf8 } from "../../base/mod.ts";

/** bcrypt looks at no more. Go's refuses what is longer, with this text, rather than to ignore its end. */
const longestPassword = 72;
export const passwordTooLong = "bcrypt: password length exceeds 72 bytes";

/** Each takes a thread of the pool, which has four, for tens of milliseconds; the disk's writes need the others. */
const runningAtOnce = 2;

const lowestCost = 4;
const highestCost = 31;
const defaultCost = 10;

/** etcd takes no other, and falls back to its default. */
export function validCost(cost: number): number {
  return cost >= lowestCost && cost <= highestCost ? cost : defaultCost;
}

/**
 * The hash of a bare password, which etcd put into the log before 3.5. The salt, which need not be secret, is that of the entry, so that
 * all members make the same hash. Holds up the event loop: only a log that was taken over from etcd has such entries, at its end.
 */
export function hashOfEntry(password: string, index: number): Uint8Array {
  const salt = createHash("sha256").update(`bare password of entry ${index}`).digest().subarray(0, 16);
  return asGo(hashSync(password, defaultCost, salt));
}

/** The algorithm is the same under its later names, as here 2b; Go writes 2a. */
function asGo(hashed: string): Uint8Array {
  return toUtf8(hashed.replace(/^\$2b\$/, "$2a$"));
}

/** Hashes passwords, which is slow on purpose, outside of the event loop. */
export class Passwords {
  readonly #cost: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(cost: number = defaultCost) {
    this.#cost = validCost(cost);
  }

  /** Undefined if the password is too long. */
  async hash(password: string): Promise<Uint8Array | undefined> {
    if (toUtf8(password).length > longestPassword) return undefined;
    return asGo(await this.#inTurn(() => hash(password, this.#cost)));
  }

  /** False also for what is no hash. */
  async matches(password: string, hashed: Uint8Array): Promise<boolean> {
    const text = Buffer.from(hashed).toString("latin1");
    if (!/^\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}$/.test(text)) return false;
    return this.#inTurn(() => verify(password, text));
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#running === runningAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
