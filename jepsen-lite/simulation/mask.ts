import { Failure } from "../../base/mod.ts";
import { workloads } from "../workloads/mod.ts";
import type { Parameters } from "./parameters.ts";

/**
 * What of a seed's run is left out, or otherwise than it draws it. Everything that is left goes on drawing the same numbers: a fault, a client, a link has a stream of
 * chance of its own, so that leaving one out moves no other.
 */
export interface Mask {
  /** The faults that happen, by their numbers; undefined: all that the seed draws. */
  readonly faults?: readonly number[];
  /** The first so many. */
  readonly clients?: number;
  readonly members?: number;
  /** What clients do. */
  readonly workload?: string;
  /** Extremes that the seed drew and that are not gone to. */
  readonly calm: readonly Calm[];
}

export const everything: Mask = { calm: [] };

/** Each takes one extreme out of the parameters. */
const calms = {
  loss: ({ network, ...rest }) => ({ ...rest, network: { ...network, lossPercent: 0 } }),
  doubling: ({ network, ...rest }) => ({ ...rest, network: { ...network, doubledPercent: 0 } }),
  clogs: ({ network, ...rest }) => ({ ...rest, network: { ...network, clogPerMillion: 0 } }),
  disorder: ({ network, ...rest }) => ({ ...rest, network: { ...network, inOrder: true } }),
  latency: ({ network, ...rest }) => ({ ...rest, network: { ...network, leastDelayUs: 50, meanDelayUs: 50 } }),
  stalls: ({ disk, ...rest }) => ({ ...rest, disk: { ...disk, stallPerMillion: 0 } }),
  "slow-writes": ({ disk, home, ...rest }) => ({
    ...rest,
    disk: { ...disk, writeMeanUs: 100, otherMeanUs: 20 },
    home: { ...home, batchMeanUs: 500, scanMeanUs: 50 },
  }),
  "torn-writes": ({ disk, ...rest }) => ({ ...rest, disk: { ...disk, tornPercent: 0 } }),
  snapshots: ({ store, ...rest }) => ({ ...rest, store: { ...store, snapshotCount: 10_000, catchupEntries: 200 } }),
  segments: ({ store, ...rest }) => ({ ...rest, store: { ...store, segmentBytes: 65_536 } }),
  batches: ({ store, ...rest }) => ({ ...rest, store: { ...store, batchIntervalMs: 100, compactionBatch: 1000 } }),
} satisfies Readonly<Record<string, (drawn: Parameters) => Parameters>>;

export type Calm = keyof typeof calms;
export const calmNames = Object.keys(calms) as readonly Calm[];

export function masked(drawn: Parameters, { clients, members, workload, calm }: Mask): Parameters {
  const calmed = calm.reduce<Parameters>((parameters, name) => calms[name](parameters), drawn);
  return {
    ...calmed,
    clients: Math.min(clients ?? drawn.clients, drawn.clients),
    members: Math.min(members ?? drawn.members, drawn.members),
    workload: workload ?? drawn.workload,
  };
}

/** `faults=3+7,clients=1,calm=loss+clogs`: what a command line takes. Empty when nothing is left out. */
export function formatMask({ faults, clients, members, workload, calm }: Mask): string {
  const parts = [
    faults === undefined ? "" : `faults=${faults.join("+") || "none"}`,
    clients === undefined ? "" : `clients=${clients}`,
    members === undefined ? "" : `members=${members}`,
    workload === undefined ? "" : `workload=${workload}`,
    calm.length === 0 ? "" : `calm=${calm.join("+")}`,
  ];
  return parts.filter((part) => part !== "").join(",");
}

/** @throws Failure `MaskMalformed` */
export function parseMask(text: string): Mask {
  if (text === "") return everything;
  const given = new Map(text.split(",").map((part) => part.split("=") as [name: string, value: string | undefined]));
  const list = (name: string) => given.get(name)?.split("+");
  const number = (name: string, value: string): number => {
    if (!/^\d+$/.test(value)) throw malformed(`${name} is ${value}`);
    return Number(value);
  };
  const one = (name: string) => (given.has(name) ? number(name, given.get(name) ?? "") : undefined);
  for (const name of given.keys()) {
    if (!["faults", "clients", "members", "workload", "calm"].includes(name))
      throw malformed(`nothing is called ${name}`);
  }
  const faults = list("faults")?.filter((name) => name !== "none");
  const [clients, members, workload] = [one("clients"), one("members"), given.get("workload")];
  if (workload !== undefined && !Object.hasOwn(workloads, workload))
    throw malformed(`there is no workload ${workload}`);
  return {
    ...(faults === undefined ? {} : { faults: faults.map((value) => number("a fault", value)) }),
    ...(clients === undefined ? {} : { clients }),
    ...(members === undefined ? {} : { members }),
    ...(workload === undefined ? {} : { workload }),
    calm: (list("calm") ?? []).map((name) => {
      if (!Object.hasOwn(calms, name)) throw malformed(`there is no ${name} to be calm about`);
      return name as Calm;
    }),
  };
}

function malformed(why: string): Failure {
  return new Failure(
    "MaskMalformed",
    `the mask cannot be read: ${why}`,
    "One looks like faults=3+7,clients=1,members=3,calm=loss+clogs",
  );
}
