import { Failure } from "../../../base/mod.ts";
import { Quantity } from "../../../controlplane/api/mod.ts";

export const signals = [
  "memory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "pid.available",
] as const;
export type Signal = (typeof signals)[number];

/** A part of the capacity (0.1 for 10 %), or an amount in the signal's unit: bytes, inodes, processes. */
export type Amount = { readonly share: number } | { readonly quantity: number };

export interface Threshold {
  readonly signal: Signal;
  readonly below: Amount;
  /** How long it must be met before pods go; 0: a hard threshold. */
  readonly gracePeriodMs: number;
  /** How much more than the threshold is to be free again. */
  readonly minReclaim: Amount | undefined;
}

export interface EvictionFlags {
  /** `memory.available<100Mi,nodefs.available<10%`; empty: no threshold. */
  readonly hard?: string;
  readonly soft?: string;
  /** `memory.available=1m30s`, for each soft threshold. */
  readonly softGracePeriod?: string;
  readonly minimumReclaim?: string;
}

/**
 * The original's defaults, but for disks: a tenth of a disk, and 15 % where images are, is more than a developer's machine has left on many
 * days, while one gibibyte is needed by anybody.
 */
export const defaultHard = "memory.available<100Mi,nodefs.available<1Gi,nodefs.inodesFree<5%,imagefs.available<1Gi";

/** Throws Failure (EvictionFlagsInvalid) when a flag says something else. */
export function parseThresholds({ hard, soft, softGracePeriod, minimumReclaim }: EvictionFlags): Threshold[] {
  const reclaims = new Map(pairs(minimumReclaim ?? "", "=").map(([signal, text]) => [signal, amountOf(text)]));
  const graces = new Map(pairs(softGracePeriod ?? "", "=").map(([signal, text]) => [signal, durationMs(text)]));
  const threshold = ([signal, text]: [Signal, string], gracePeriodMs: number): Threshold => ({
    signal,
    below: amountOf(text),
    gracePeriodMs,
    minReclaim: reclaims.get(signal),
  });
  const softOnes = pairs(soft ?? "", "<").map(([signal, text]) => {
    const grace = graces.get(signal);
    if (grace === undefined || grace <= 0)
      throw invalid(`grace period must be specified for the soft eviction threshold ${signal}`);
    return threshold([signal, text], grace);
  });
  return [...pairs(hard ?? defaultHard, "<").map((pair) => threshold(pair, 0)), ...softOnes];
}

/** An amount in the unit of what there is in all. */
export function inUnits(amount: Amount, capacity: number): number {
  return "share" in amount ? Math.floor(amount.share * capacity) : amount.quantity;
}

function pairs(text: string, operator: "<" | "="): [Signal, string][] {
  return text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [name = "", value = ""] = part.trim().split(operator);
      if (!(signals as readonly string[]).includes(name) || value === "")
        throw invalid(
          `${JSON.stringify(part)}: expected SIGNAL${operator}VALUE with SIGNAL one of ${signals.join(", ")}`,
        );
      return [name as Signal, value];
    });
}

function amountOf(text: string): Amount {
  const percentage = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percentage !== undefined && Number(percentage) <= 100) return { share: Number(percentage) / 100 };
  const quantity = Quantity.parse(text);
  if (quantity === undefined) throw invalid(`${JSON.stringify(text)} is neither a quantity nor a percentage`);
  return { quantity: quantity.value() };
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** `1m30s`, as Go writes it. */
function durationMs(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) throw invalid(`${JSON.stringify(text)} is no duration`);
  let total = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g))
    total += Number(value) * (units[unit as string] as number);
  return total;
}

function invalid(message: string): Failure {
  return new Failure(
    "EvictionFlagsInvalid",
    message,
    "Write for example --eviction-hard memory.available<100Mi,nodefs.available<10%",
  );
}
