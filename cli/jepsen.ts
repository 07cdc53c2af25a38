import { parser } from "./flags.ts";

const help = `
What a store promises is put to the proof: clients use it while something breaks it, all
that they ask and hear is written down, and checkers look for what the promise forbids.

Real processes, this store's or etcd's, broken in one way or in all:
  flotilla jepsen run --workload register --nemesis kill,partition --seconds 10
  flotilla jepsen suite --report /tmp/suite
(flotilla sim has the same workloads in virtual time.)

A run is a directory:
  history.ndjson   what the clients asked and got, and what broke when: an event a line
  manifest.json    what was run, and how to run it again: version, seed, command, config
  verdict.json     what each checker says
  report.html      all of it to look at; one file, no network needed

An event: {"index":0,"timeNs":0,"process":0,"type":"invoke","f":"read","value":{"key":"x"}}
  invoke  it was asked for            ok    it happened between then and now
  fail    it certainly did not        info  nobody knows: it may have, or may yet
Faults are events of the process "nemesis".

A verdict is valid, invalid or unknown. Unknown is no kind of valid: nothing was seen,
but too little was looked at, or it took too long to decide.

Try it. A read that misses a write which had been answered before it began:
  cat >/tmp/stale.ndjson <<END
  {"index":0,"timeNs":0,"process":0,"type":"invoke","f":"write","value":{"key":"x","value":1}}
  {"index":1,"timeNs":5000000,"process":0,"type":"ok","f":"write","value":{"key":"x","value":1}}
  {"index":2,"timeNs":7000000,"process":1,"type":"invoke","f":"read","value":{"key":"x"}}
  {"index":3,"timeNs":9000000,"process":1,"type":"ok","f":"read","value":{"key":"x","value":null}}
  END
  flotilla jepsen check /tmp/stale.ndjson --workload register

docs/experiments.md has six experiments with a store of three members.
`;

/** Each loads only what it needs: judging a file takes no client. */
const subcommands: Readonly<Record<string, () => Promise<(args: string[]) => Promise<void>>>> = {
  run: async () => (await import("./jepsen-run.ts")).run,
  suite: async () => (await import("./jepsen-suite.ts")).suite,
  check: async () => (await import("./jepsen-check.ts")).check,
  report: async () => (await import("./jepsen-check.ts")).report,
};

/** `flotilla jepsen run|suite|check|report`. */
export async function main(args: string[]): Promise<void> {
  const [name = "", ...rest] = args;
  if (Object.hasOwn(subcommands, name)) return (await subcommands[name]!())(rest);
  const program = parser("jepsen", "Breaks a store on purpose, judges what its clients saw, and shows it.");
  program.addHelpText("after", help);
  program
    .command("run")
    .description("clients and a nemesis on a cluster for some seconds: exit code 0, 1 or 2 as check");
  program.command("suite").description("every workload under every nemesis; goes on where it was ended");
  program
    .command("check <path>")
    .description("judge a saved run or history again: exit code 0 valid, 1 invalid, 2 unknown");
  program.command("report <path>").description("make the report of a saved run: one HTML file");
  await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
}
