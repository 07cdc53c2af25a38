import crypto from "node:crypto";

/** Something asked the machine for the time, for chance or for a timer while a simulation ran. */
export class Leak extends Error {
  override readonly name = "Leak";
}

type Target = { [name: string]: unknown };

const targets: readonly (readonly [owner: Target, name: string, what: string])[] = [
  [Date as unknown as Target, "now", "Date.now"],
  [performance as unknown as Target, "now", "performance.now"],
  [Math as unknown as Target, "random", "Math.random"],
  [globalThis as Target, "setTimeout", "setTimeout"],
  [globalThis as Target, "setInterval", "setInterval"],
  [globalThis as Target, "setImmediate", "setImmediate"],
  [process as unknown as Target, "hrtime", "process.hrtime"],
  [crypto as unknown as Target, "randomBytes", "crypto.randomBytes"],
  [crypto as unknown as Target, "randomInt", "crypto.randomInt"],
  [crypto as unknown as Target, "randomUUID", "crypto.randomUUID"],
  [globalThis.crypto as unknown as Target, "getRandomValues", "crypto.getRandomValues"],
  [globalThis.crypto as unknown as Target, "randomUUID", "crypto.randomUUID"],
  [AbortSignal as unknown as Target, "timeout", "AbortSignal.timeout"],
];

/**
 * Runs `work` in a process where asking the machine for time or chance throws a `Leak`, which `onLeak` is told of too, because whoever
 * asked may swallow it. (`import { randomBytes } from "node:crypto"` keeps its own reference: such imports are what the import map and
 * the double run are for.)
 */
export async function poisoned<T>(onLeak: (leak: Leak) => void, work: () => Promise<T>): Promise<T> {
  const restore: (() => void)[] = [];
  const refuse = (what: string) => {
    const leak = new Leak(`${what} was called in a simulation`);
    onLeak(leak);
    throw leak;
  };
  for (const [owner, name, what] of targets) {
    const original = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: () => refuse(what) });
    restore.push(() => {
      if (original === undefined) delete owner[name];
      else Object.defineProperty(owner, name, original);
    });
  }
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (date, given: readonly unknown[]) =>
      given.length === 0 ? refuse("new Date()") : Reflect.construct(date, given as []),
  });
  restore.push(() => {
    globalThis.Date = RealDate;
  });
  try {
    return await work();
  } finally {
    for (const undo of restore) undo();
  }
}
