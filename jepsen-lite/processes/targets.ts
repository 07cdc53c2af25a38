import type { Random } from "../../base/mod.ts";
import { pick, shuffled } from "./draw.ts";
import type { Scene } from "./network/shapes.ts";

/** Whom a fault strikes, by name. */
export const targets = {
  one: ({ members }, random) => [pick(members, random)],
  /** As many as the others can do without. */
  minority: ({ members }, random) => shuffled(members, random).slice(0, (members.length - 1) >> 1),
  majority: ({ members }, random) => shuffled(members, random).slice(0, (members.length >> 1) + 1),
  all: ({ members }) => [...members],
  leader: ({ members, leader }, random) => [leader ?? pick(members, random)],
} satisfies Record<string, (scene: Scene, random: Random) => string[]>;

export type TargetName = keyof typeof targets;
export const targetNames = Object.keys(targets) as readonly TargetName[];
