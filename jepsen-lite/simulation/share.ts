// One of the processes of a sweep: `node share.ts OPTIONS SHARE` runs its share and prints a line of JSON for each run.
import { runShare, type SweepOptions } from "./sweep.ts";

const [options, share] = process.argv.slice(2) as [string, string];
await runShare(JSON.parse(options) as SweepOptions, Number(share), (told) => console.log(JSON.stringify(told)));
