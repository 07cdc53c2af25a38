import type { Nemesis } from "../nemesis.ts";
import { admin } from "./admin.ts";
import { bitFlip } from "./bit-flip.ts";
import { clock } from "./clock.ts";
import { diskFull } from "./disk-full.ts";
import { failpointAt } from "./failpoint.ts";
import { kill } from "./kill.ts";
import { link } from "./link.ts";
import { membership } from "./membership.ts";
import { partition } from "./partition.ts";
import { pause } from "./pause.ts";
import { powerLoss } from "./power-loss.ts";
import { syncError } from "./sync-error.ts";

const all = [
  ...[kill, pause, partition, link, clock, powerLoss, diskFull, syncError, bitFlip],
  ...[membership, admin, failpointAt(undefined)],
];

/** By name. */
export const nemeses: Readonly<Record<string, Nemesis>> = Object.fromEntries(all.map((one) => [one.name, one]));

/** Also those with something behind their name: `failpoint=raftBeforeSave`. Undefined: there is none. */
export function nemesisOf(name: string): Nemesis | undefined {
  const [kind, point] = name.split("=");
  if (kind === "failpoint" && point !== undefined) return failpointAt(point);
  return Object.hasOwn(nemeses, name) ? nemeses[name] : undefined;
}
