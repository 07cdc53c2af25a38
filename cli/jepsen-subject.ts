import { type Command, InvalidArgumentError } from "commander";
import { Failure } from "../base/mod.ts";
import { type Subject, storeAt, type Unfit } from "../jepsen-lite/processes/mod.ts";
import { workloads } from "../jepsen-lite/workloads/mod.ts";
import { wholeNumber } from "./flags.ts";

/** Flags of who runs something on a cluster. */
export interface SubjectFlags {
  readonly members: number;
  readonly seconds: number;
  readonly seed: number;
  readonly clients?: number;
  readonly etcd?: string;
  readonly endpoints?: readonly string[];
  readonly pids?: readonly number[];
}

export function withSubject(command: Command): Command {
  return command
    .argument("[flags...]", "behind a --: flags of every member")
    .option("--members <n>", "how many", wholeNumber(1, 9), 3)
    .option("--seconds <n>", "how long things are broken", wholeNumber(1, 86_400), 30)
    .option(
      "--seed <n>",
      "of all that is drawn; by the clock if not given",
      wholeNumber(0, 2 ** 31),
      Date.now() % 1_000_000,
    )
    .option("--clients <n>", "two more than members if not given", wholeNumber(1, 1000))
    .option("--etcd <path>", "members are this program, any with etcd's flags; ours if not given")
    .option("--endpoints <urls>", "no cluster of its own: break the one at these client URLs", commas)
    .option("--pids <pids>", "its members' processes, in the same order", pids);
}

/** `extraFlags` are every member's. */
export function subjectOf(
  { members, etcd, endpoints, pids = [] }: SubjectFlags,
  extraFlags: readonly string[],
): Subject {
  if (endpoints === undefined) return { store: storeAt(etcd), members, extraFlags };
  if (pids.length > 0 && pids.length !== endpoints.length)
    throw new Failure(
      "PidsMissing",
      `${pids.length} processes for ${endpoints.length} endpoints`,
      "--pids has one for each",
    );
  return { endpoints, pids };
}

/** The flags that were given, to be repeated. */
export function flagsOf(
  {
    members,
    seconds,
    seed,
    clients,
    etcd,
    endpoints,
    pids,
  }: Omit<SubjectFlags, "seed"> & { readonly seed?: number | undefined },
  extraFlags: readonly string[],
): string {
  const flags = { members, seconds, seed, clients, etcd, endpoints: endpoints?.join(","), pids: pids?.join(",") };
  return Object.entries(flags)
    .flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]))
    .concat(extraFlags.length === 0 ? [] : ["--", ...extraFlags])
    .join(" ");
}

export function reasonsOf(unfit: readonly Unfit[]): string {
  return unfit.map(({ name, why }) => `${name} cannot work here: ${why}`).join("\n");
}

export function commas(value: string): string[] {
  const names = value.split(",").filter((name) => name !== "");
  if (names.length === 0) throw new InvalidArgumentError("Names with commas between them");
  return names;
}

export function workloadNames(value: string): string[] {
  const names = value === "all" ? Object.keys(workloads) : commas(value);
  for (const name of names)
    if (!Object.hasOwn(workloads, name)) throw new InvalidArgumentError(`One of ${Object.keys(workloads).join(", ")}`);
  return names;
}

function pids(value: string): number[] {
  return commas(value).map(wholeNumber(1, 2 ** 31));
}
