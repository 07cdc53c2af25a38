import type { Random } from "../../../base/mod.ts";
import { shuffled } from "../draw.ts";

/** What one node sends to another does not arrive. */
export type Cut = readonly [from: string, to: string];

/** Who stands where when a shape is drawn. */
export interface Scene {
  readonly members: readonly string[];
  readonly leader: string | undefined;
  readonly clients: string;
}

/** Between nodes of different groups nothing gets through, either way. Who is in no group is not concerned. */
export function between(...groups: readonly (readonly string[])[]): Cut[] {
  return groups.flatMap((group, at) =>
    groups.flatMap((other, otherAt) =>
      at === otherAt ? [] : group.flatMap((from) => other.map((to): Cut => [from, to])),
    ),
  );
}

/** The ways in which a network is cut in two or in pieces, by name. None needs more than two members. */
export const shapes = {
  /** One member, whoever it is. */
  isolate: ({ members }, random) => {
    const [one = "", ...others] = shuffled(members, random);
    return between([one], others);
  },
  "leader-alone": ({ members, leader }, random) => {
    const one = leader ?? shuffled(members, random)[0]!;
    return between([one], without(members, one));
  },
  /** The smaller half has no quorum, nor has either of an even number. */
  halves: ({ members }, random) => {
    const order = shuffled(members, random);
    return between(order.slice(0, members.length >> 1), order.slice(members.length >> 1));
  },
  /** The leader stays with as few as it can: the majority has to elect another. */
  minority: ({ members, leader }, random) => {
    const order = shuffled(members, random);
    const first = leader === undefined ? order : [leader, ...without(order, leader)];
    const few = (members.length - 1) >> 1;
    return between(first.slice(0, few), first.slice(few));
  },
  /** Everybody reaches a majority, and nobody the same one (Jepsen's majorities-ring): each only its neighbours, on one side where that is enough. */
  ring: ({ members }, random) => {
    const order = shuffled(members, random);
    const reach = Math.ceil((members.length >> 1) / 2);
    const isLine = members.length === 3;
    const near = (a: number, b: number) => {
      const apart = Math.abs(a - b);
      return (isLine ? apart : Math.min(apart, order.length - apart)) <= reach;
    };
    return order.flatMap((from, a) => order.flatMap((to, b): Cut[] => (a === b || near(a, b) ? [] : [[from, to]])));
  },
  /** Two halves that only one member reaches both of. */
  bridge: ({ members }, random) => {
    const [, ...rest] = shuffled(members, random);
    return between(rest.slice(0, rest.length >> 1), rest.slice(rest.length >> 1));
  },
  /** The leader is heard by nobody, and hears all. */
  "one-way-out": ({ members, leader }, random) => {
    const one = leader ?? shuffled(members, random)[0]!;
    return without(members, one).map((other): Cut => [one, other]);
  },
  /** The leader hears nobody, and is heard. */
  "one-way-in": ({ members, leader }, random) => {
    const one = leader ?? shuffled(members, random)[0]!;
    return without(members, one).map((other): Cut => [other, one]);
  },
  /** One member hears nobody, another is heard by nobody: what each hears of the other differs. */
  "one-way-each": ({ members }, random) => {
    const [deaf = "", mute = ""] = shuffled(members, random);
    const cuts = [
      ...without(members, deaf).map((other): Cut => [other, deaf]),
      ...without(members, mute).map((other): Cut => [mute, other]),
    ];
    return cuts.filter(([from, to], at) => cuts.findIndex((cut) => cut[0] === from && cut[1] === to) === at);
  },
  "client-from-leader": ({ members, leader, clients }, random) =>
    between([clients], [leader ?? shuffled(members, random)[0]!]),
} satisfies Record<string, (scene: Scene, random: Random) => Cut[]>;

export type ShapeName = keyof typeof shapes;
export const shapeNames = Object.keys(shapes) as readonly ShapeName[];

function without(all: readonly string[], one: string): string[] {
  return all.filter((other) => other !== one);
}
