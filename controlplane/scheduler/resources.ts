import type { ResourceAmounts } from "./resource-amounts.ts";

const nothing: readonly string[] = [];

/** Who asks for nothing lacks nothing, even where too much was given away already. */
function exceeds(request: number, free: number): boolean {
  return request > 0 && request > free;
}

/**
 * Amounts of resources, in the units of `ResourceAmounts`. Those that every node has are fields (as in framework/types.go, Resource): thousands of nodes
 * are summed and compared for each pod.
 */
export class Resources {
  cpu = 0;
  memory = 0;
  ephemeralStorage = 0;
  /** The rest, by name. Undefined while there is none, as with most pods. */
  #others: Map<string, number> | undefined;

  static of(amounts: ResourceAmounts): Resources {
    const resources = new Resources();
    for (const [name, amount] of amounts) resources.#set(name, amount);
    return resources;
  }

  get(name: string): number {
    switch (name) {
      case "cpu":
        return this.cpu;
      case "memory":
        return this.memory;
      case "ephemeral-storage":
        return this.ephemeralStorage;
      default:
        return this.#others?.get(name) ?? 0;
    }
  }

  /** What is more than zero, in the order in which reasons name it. */
  *[Symbol.iterator](): Generator<readonly [name: string, amount: number]> {
    if (this.cpu > 0) yield ["cpu", this.cpu];
    if (this.memory > 0) yield ["memory", this.memory];
    if (this.ephemeralStorage > 0) yield ["ephemeral-storage", this.ephemeralStorage];
    for (const [name, amount] of this.#others ?? []) if (amount > 0) yield [name, amount];
  }

  add(other: Resources, sign: 1 | -1): void {
    this.cpu += sign * other.cpu;
    this.memory += sign * other.memory;
    this.ephemeralStorage += sign * other.ephemeralStorage;
    if (other.#others === undefined) return;
    for (const [name, amount] of other.#others) this.#set(name, this.get(name) + sign * amount);
  }

  clone(): Resources {
    const clone = new Resources();
    clone.cpu = this.cpu;
    clone.memory = this.memory;
    clone.ephemeralStorage = this.ephemeralStorage;
    if (this.#others !== undefined) clone.#others = new Map(this.#others);
    return clone;
  }

  /** Names of what these requests need more of than `allocatable - requested`, in the order of iteration. */
  lacking(allocatable: Resources, requested: Resources): readonly string[] {
    const cpu = exceeds(this.cpu, allocatable.cpu - requested.cpu);
    const memory = exceeds(this.memory, allocatable.memory - requested.memory);
    const storage = exceeds(this.ephemeralStorage, allocatable.ephemeralStorage - requested.ephemeralStorage);
    if (!cpu && !memory && !storage && this.#others === undefined) return nothing;
    const names: string[] = [];
    if (cpu) names.push("cpu");
    if (memory) names.push("memory");
    if (storage) names.push("ephemeral-storage");
    for (const [name, amount] of this.#others ?? []) {
      if (exceeds(amount, allocatable.get(name) - requested.get(name))) names.push(name);
    }
    return names;
  }

  #set(name: string, amount: number): void {
    switch (name) {
      case "cpu":
        this.cpu = amount;
        break;
      case "memory":
        this.memory = amount;
        break;
      case "ephemeral-storage":
        this.ephemeralStorage = amount;
        break;
      default:
        this.#others ??= new Map();
        this.#others.set(name, amount);
    }
  }
}
