import type { Clock } from "../../base/mod.ts";
import type { Caller } from "./caller.ts";
import type { Tokens } from "./tokens.ts";

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const prefixLength = 16;

export interface SimpleTokensOptions {
  /** From its last use on this member. */
  readonly ttlMs: number;
  readonly clock: Clock;
  /** A whole number in [0, limit) that nobody can guess. */
  readonly draw: (limit: number) => number;
}

interface Entry {
  readonly username: string;
  readonly expiresMs: number;
}

/**
 * Random letters and the index of the entry that made them known to all members (etcd's server/auth/simple_token.go). They
 * live in memory: a member that starts again has forgotten those of before, and its clients log in anew.
 */
export class SimpleTokens implements Tokens {
  readonly #options: SimpleTokensOptions;
  /** All live equally long, and one that is used is put last: the first is the first to expire. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: SimpleTokensOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  drawPrefix(): string {
    const { draw } = this.#options;
    return Array.from({ length: prefixLength }, () => letters[draw(letters.length)]).join("");
  }

  assign(username: string, prefix: string, index: number): void {
    this.#expire();
    this.#keep(tokenText(prefix, index), username);
  }

  issue(_: Caller, prefix: string, index: number): string {
    return tokenText(prefix, index);
  }

  madeAt(token: string): number {
    const index = /^[^.]*\.(\d{1,16})$/.exec(token)?.[1];
    return index === undefined ? 0 : Number(index);
  }

  find(token: string, authRevision: number): Caller | undefined {
    this.#expire();
    const entry = this.#entries.get(token);
    if (entry === undefined) return undefined;
    this.#keep(token, entry.username);
    return { username: entry.username, authRevision };
  }

  forgetUser(username: string): void {
    for (const [token, entry] of this.#entries) if (entry.username === username) this.#entries.delete(token);
  }

  forgetAll(): void {
    this.#entries.clear();
  }

  #keep(token: string, username: string): void {
    const { clock, ttlMs } = this.#options;
    this.#entries.delete(token);
    this.#entries.set(token, { username, expiresMs: clock.monotonic() + ttlMs });
  }

  #expire(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const [token, { expiresMs }] of this.#entries) {
      if (expiresMs > nowMs) return;
      this.#entries.delete(token);
    }
  }
}

function tokenText(prefix: string, index: number): string {
  return `${prefix}.${index}`;
}
