import { expect } from "vitest";
import { etcdctl, type Output, type StoreCluster } from "../store-cluster.ts";

/**
 * What somebody types behind `etcdctl`, in words as a shell would have them ('' keeps blanks). Words begin with what the session has
 * learned: `$lease` is the lease granted last, `$added` the member added last, `$0` to `$2` the members' ids, `$client0` their URLs,
 * `$dir` the side's own directory. `until` ends a command that would go on; `endpoints` are asked
 * instead of the members.
 */
export type Line =
  | string
  | { readonly run: string; readonly input?: string; readonly until?: string; readonly endpoints?: string };

/** One of two stores with which the same is done. */
export class Session {
  readonly cluster: StoreCluster;
  /** For every command: certificates, a user. */
  readonly flags: readonly string[];
  readonly #known = new Map<string, string>();

  constructor(cluster: StoreCluster, flags: readonly string[] = []) {
    this.cluster = cluster;
    this.flags = flags;
    this.#known.set("$dir", cluster.directory);
    for (const [at, { clientUrl }] of cluster.members.entries()) this.#known.set(`$client${at}`, clientUrl);
  }

  /** Learns the members' ids. */
  async open(): Promise<void> {
    const { stdout } = await etcdctl(this.cluster.endpoints, [...this.flags, "member", "list"]);
    for (const line of stdout.trim().split("\n")) {
      const [id = "", , name = ""] = line.split(", ");
      this.#known.set(name.replace("m", "$"), id);
    }
  }

  async run(line: Line, endpoints: string): Promise<Output> {
    const {
      run,
      endpoints: instead = endpoints,
      ...options
    } = typeof line === "string" ? { run: line, endpoints } : line;
    const words = split(run).map((word) => {
      let known = word;
      for (const [name, value] of this.#known) known = known.replaceAll(name, value);
      return known;
    });
    const output = await etcdctl(instead, [...this.flags, ...words], { patienceMs: 8000, ...options });
    this.#learn("$lease", /lease ([0-9a-f]+) granted/.exec(output.stdout)?.[1]);
    this.#learn("$added", /Member +([0-9a-f]+) added/.exec(output.stdout)?.[1]);
    return output;
  }

  #learn(name: string, value: string | undefined): void {
    if (value !== undefined) this.#known.set(name, value);
  }

  /** What a command printed, without what differs between any two clusters: addresses, ids, terms, indexes, sizes, times. */
  comparable(line: Line, { code, stdout, stderr }: Output): unknown {
    const command = typeof line === "string" ? line : line.run;
    // Members and leases are listed in order of their ids, endpoints in that of their answers, keys of a lease in none: the same is
    // said, in some order.
    const isUnordered = /^(member|lease list|lease timetolive .*--keys|endpoint|defrag)/.test(command);
    const plain = (text: string) => {
      const named = this.#named(text);
      const known = /^endpoint status/.test(command) ? withoutState(named) : named;
      const timeless = /^lease timetolive/.test(command)
        ? known.replaceAll(/("ttl":|"TTL" : )\d+/g, "$1<time>")
        : known;
      // Since 3.5 alarms are told with a header.
      const said = /^alarm/.test(command) ? timeless.replace(/\{"header":\{[^}]*\}\}/, "{}") : timeless;
      return isUnordered ? said.split(/[\s,{}[\]"=]+/).sort() : said;
    };
    return { code, stdout: plain(stdout), stderr: plain(stderr) };
  }

  #named(text: string): string {
    let result = text.replaceAll(this.cluster.directory, "<dir>");
    for (const [name, value] of this.#known) {
      if (!/^\$(client|lease|added|\d)/.test(name)) continue;
      result = result.replaceAll(value, `<${name.slice(1)}>`);
      if (name.startsWith("$client")) {
        result = result.replaceAll(value.replace(/^https?:\/\//, ""), `<${name.slice(1)}>`);
        const peer = Number(value.split(":")[2]) + 1;
        result = result.replaceAll(new RegExp(`https?://127.0.0.1:${peer}`, "g"), `<peer${name.slice(7)}>`);
      } else result = result.replaceAll(BigInt(`0x${value}`).toString(), `<${name.slice(1)}>`);
    }
    return (
      result
        // Numbers beyond 2^53 are ids wherever they stand.
        .replaceAll(/\b\d{16,20}\b/g, "<id>")
        .replaceAll(/\b[0-9a-f]{14,16}\b/g, "<id>")
        // Columns are as wide as what stood in them.
        .replaceAll(/ {2,}/g, " ")
        .replaceAll(/-{2,}/g, "--")
        .replaceAll(/attached keys\(\[(.*)\]\)/g, (_, keys: string) => `attached keys(${keys.split(" ").sort()})`)
        .replaceAll(/("raft_term":|"RaftTerm" : )\d+/g, "$1<term>")
        .replaceAll(/took = [0-9.]+[mµ]?s/g, "took = <time>")
        .replaceAll(/"took":"[^"]*"/g, '"took":<time>')
        .replaceAll(/\| ?[0-9.]+[mµ]?s \|/g, "| <time> |")
        .replaceAll(/"ts":"[^"]*"/g, '"ts":<time>')
        .replaceAll(/\[?\d{4}[-/]\d{2}[-/]\d{2}[T ][0-9:.Z+]+\]?/g, "<time>")
        .replaceAll(/remaining\(\d+s\)/g, "remaining(<time>)")
        .replaceAll(/retry_interceptor.go:\d+/g, "retry_interceptor.go")
        .replaceAll(/endpoint:\/\/client-[0-9a-f-]+\//g, "endpoint://")
    );
  }
}

/** Of `endpoint status`: which member leads, how large its files are and where its log stands is each cluster's own. */
function withoutState(text: string): string {
  return text
    .replaceAll(/,?"dbSizeInUse":\d+/g, "")
    .replaceAll(
      /("(?:dbSize|dbSizeInUse|raftIndex|raftAppliedIndex|raftTerm)":|"(?:DBSize|DBSizeInUse|RaftIndex|RaftAppliedIndex|RaftTerm|Leader)" : )\d+/g,
      "$1<n>",
    )
    .replaceAll(/("leader":|"Leader" : )(<\w+>|\d+)/g, "$1<leader>")
    .replaceAll(/[0-9.]+ [kM]?B/g, "<size>")
    .replaceAll(/(,|\|) (true|false)(,| {1,2}\|)/g, "$1 <leads>$3")
    .replaceAll(/(?<=[,|] )\d+(?=,| \|)/g, "<n>");
}

function split(text: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/'([^']*)'|([^\s']+)/g)) words.push(quoted ?? plain ?? "");
  return words;
}

/** Runs the lines on both, asking one member or (undefined) naming all, and compares after each. */
export async function runScript(
  sessions: readonly [Session, Session],
  lines: readonly Line[],
  at?: number,
): Promise<void> {
  for (const line of lines) {
    const [expected, actual] = await Promise.all(
      sessions.map(async (session) => {
        const { members, endpoints } = session.cluster;
        return session.comparable(line, await session.run(line, at === undefined ? endpoints : members[at]!.clientUrl));
      }),
    );
    expect(actual, typeof line === "string" ? line : line.run).toEqual(expected);
  }
}
