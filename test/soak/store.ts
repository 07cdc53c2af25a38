import { parseArgs } from "node:util";
import { failpointPlaces, failpoints } from "./store/failpoints.ts";
import { powerLoss } from "./store/power-loss.ts";
import { replace } from "./store/replace.ts";
import { rolling } from "./store/rolling.ts";

const help = `npm run soak -- store failpoints [--cycles 200] [--members 1|3] [--size 3] [--only NAME,NAME] [--seed N] [-- FLAG…]
npm run soak -- store power-loss [--cycles 200] [--size 3] [--seed N] [-- FLAG…]
npm run soak -- store rolling [--seed N] [-- FLAG…]
npm run soak -- store replace [--times 20] [--seed N] [-- FLAG…]

Real members under a load of puts, transactions and deletes, through all of them at once. Whatever happens to them, afterwards: every acknowledged write is
there, once; what failed is there at most once, and not at all if it was refused; answers and history agree on the order; all members have the same keys, and the same
HashKV at the revisions compared. Exit code 1 when it is not so.

failpoints   kills one member, and three (--members: only so many), at every failpoint from the proposal of a write to the database, and at those of compaction and
             of the installation of a snapshot: --cycles times each, at random moments. --only: ${failpointPlaces.slice(0, 2).join(", ")}, …
power-loss   cuts the power of the members' disks, ext4 on loop devices: what was not synced is gone (root).
rolling      growth from one member to three through learners, a rolling restart, a new authority and new certificates without a restart, growth to five, back to
             three. Failed requests are counted; only those that were under way while the leader changed are allowed.
replace      removes, kills, deletes and adds again one member after the other, under its name and URL, behind forwarders that drop bytes of the members' TLS.

SIGINT and SIGTERM end it after the cycle under way; a second one at once. What follows -- is given to every member: \`store power-loss -- --unsafe-no-fsync\` has to fail.`;

const say = (line: string) => console.log(line);

interface Report {
  readonly violations: readonly string[];
}

export async function main(args: string[]): Promise<void> {
  const split = args.indexOf("--");
  const [own, extra] = split < 0 ? [args, []] : [args.slice(0, split), args.slice(split + 1)];
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    options: {
      cycles: { type: "string" },
      times: { type: "string" },
      members: { type: "string" },
      size: { type: "string", default: "3" },
      only: { type: "string" },
      seed: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const count = (text: string | undefined, otherwise: number) => Number(text ?? otherwise);
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  const common = { seed, size: Number(values.size), args: extra, signal: ending.signal, say };
  const soaks: Readonly<Record<string, () => Promise<Report>>> = {
    failpoints: () =>
      failpoints({
        ...common,
        cycles: count(values.cycles, 200),
        ...(values.members && { kill: values.members === "1" ? 1 : 3 }),
        ...(values.only && { only: values.only.split(",") }),
      }),
    "power-loss": () => powerLoss({ ...common, cycles: count(values.cycles, 200) }),
    rolling: () => rolling(common),
    replace: () => replace({ ...common, times: count(values.times, 20) }),
  };
  const soak = soaks[positionals[0] ?? ""];
  if (values.help || soak === undefined) {
    console.log(help);
    if (!values.help) process.exitCode = 2;
    return;
  }
  console.log(`seed ${seed}`);
  const since = performance.now();
  const { violations, ...figures } = await soak();
  const seconds = Math.round((performance.now() - since) / 1000);
  console.log(JSON.stringify({ seed, seconds, ...figures }));
  for (const violation of violations.slice(0, 20)) console.error(violation);
  console.log(violations.length === 0 ? "no violation" : `${violations.length} violations`);
  if (violations.length > 0) process.exitCode = 1;
}
