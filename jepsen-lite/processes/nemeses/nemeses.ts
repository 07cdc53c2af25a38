import type { Nemesis } from "../nemesis.ts";
import { admin } from "./admin.ts";
import { clock } from "./clock.ts";
import { kill } from "./kill.ts";
import { link } from "./link.ts";
import { partition } from "./partition.ts";
import { pause } from "./pause.ts";
import { powerLoss } from "./power-loss.ts";

/** By name. */
export const nemeses: Readonly<Record<string, Nemesis>> = Object.fromEntries(
  [kill, pause, partition, link, clock, powerLoss, admin].map((nemesis) => [nemesis.name, nemesis]),
);
