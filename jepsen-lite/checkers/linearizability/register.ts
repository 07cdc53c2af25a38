import type { Model } from "./model.ts";

/** What happened to a register, with values as numbers given out by `Values`. */
export interface RegisterOp {
  /** `missed` is a compare-and-set that found something else; it is a read that only says what it did not see. */
  readonly kind: "read" | "write" | "cas" | "missed";
  /** Read, written, or set. */
  readonly value: number;
  /** What a compare-and-set compared with. */
  readonly expected: number;
  /** The register's version after it; `unknownVersion` where nothing was said. Each change adds one; an empty register has version 0. */
  readonly version: number;
}

export const unknownVersion = -1;

/** Numbers for values of any JSON. 0 is what the register holds at first. */
export class Values {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];

  constructor(initial: string) {
    this.number(initial);
  }

  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#texts.length);
    this.#texts.push(text);
    return this.#texts.length - 1;
  }

  text(number: number): string {
    return this.#texts[number] as string;
  }

  get count(): number {
    return this.#texts.length;
  }
}

/**
 * A register that holds one value. When any of its operations says a version, versions are part of the state, and the order of the changes is almost given.
 *
 * Changes of unknown version (above all crashed ones) are what makes a versioned search branch: any of them could be at any version. Two countings, made once,
 * forbid most of it without forbidding an order that works. A version whose own change completed is taken by it. And where a read tells which value a version
 * had, only a change to that value can be there; when there are just as many changes to it as such places, none of them can be anywhere else.
 */
export function registerModel(ops: readonly RegisterOp[], values: Values): Model<number, RegisterOp> {
  const versioned = ops.some((op) => op.version !== unknownVersion);
  const places = versioned ? new Places(ops) : undefined;
  // State: version × width + value. Width is fixed here: the operations are known.
  const width = versioned ? values.count : 0x1_0000_0000;
  const changed = (state: number, op: RegisterOp): number | undefined => {
    if (places === undefined) return op.value;
    const version = Math.floor(state / width) + 1;
    if (op.version === unknownVersion ? !places.mayTake(version, op.value) : op.version !== version) return undefined;
    return version * width + op.value;
  };
  return {
    initial: 0,
    step(state, op) {
      const value = state % width;
      switch (op.kind) {
        case "read":
          if (value !== op.value) return undefined;
          return op.version === unknownVersion || op.version === Math.floor(state / width) ? state : undefined;
        case "write":
          return changed(state, op);
        case "cas":
          return value === op.expected ? changed(state, op) : undefined;
        case "missed":
          return value === op.expected ? undefined : state;
      }
    },
    isRead: (op) => op.kind === "read" || op.kind === "missed",
    isConditional: (op) => op.kind === "cas",
    hash: (state) => (state | 0) ^ Math.floor(state / 0x1_0000_0000),
    equal: (a, b) => a === b,
    describe({ kind, value, expected, version }) {
      const said = version === unknownVersion ? "" : ` at version ${version}`;
      if (kind === "cas") return `compare-and-set ${values.text(expected)} to ${values.text(value)}${said}`;
      if (kind === "missed") return `compare-and-set that did not find ${values.text(expected)}`;
      return `${kind} ${values.text(value)}${said}`;
    },
    describeState(state) {
      return values.text(state % width) + (versioned ? ` at version ${Math.floor(state / width)}` : "");
    },
  };
}

const taken = -2;

/** Which version a change of unknown version can have. */
class Places {
  /** Per version: the value that it is known to have had, `taken` when the change to it is known. */
  readonly #known = new Map<number, number>();
  /** Per value: changes to it of unknown version, less the places that only these can have filled. */
  readonly #spare = new Map<number, number>();

  constructor(ops: readonly RegisterOp[]) {
    for (const op of ops)
      if (op.kind === "read" && op.version !== unknownVersion) this.#known.set(op.version, op.value);
    for (const op of ops) {
      if (op.kind !== "write" && op.kind !== "cas") continue;
      if (op.version !== unknownVersion) this.#known.set(op.version, taken);
      else this.#spare.set(op.value, (this.#spare.get(op.value) ?? 0) + 1);
    }
    for (const [version, value] of this.#known)
      if (value !== taken && version > 0) this.#spare.set(value, (this.#spare.get(value) ?? 0) - 1);
  }

  mayTake(version: number, value: number): boolean {
    const known = this.#known.get(version);
    if (known !== undefined) return known === value;
    return (this.#spare.get(value) ?? 0) > 0;
  }
}
