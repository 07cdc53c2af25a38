// Usage: npm run imports
// Checks the import map of ARCHITECTURE.md: which room may use which, only through mod.ts, and no cycle between rooms.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** What each room may import, besides itself and base. Arrows point up this table only. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  proto: [],
  raft: [],
  "kvstore/client": ["proto"],
  "kvstore/bbolt": [],
  "kvstore/auth": ["proto"],
  kvstore: ["raft", "proto", "kvstore/bbolt", "kvstore/auth"],
  streaming: ["proto"],
  "controlplane/api": [],
  "controlplane/client": ["controlplane/api"],
  "controlplane/apiserver": ["controlplane/api", "proto", "kvstore/client", "streaming"],
  "controlplane/scheduler": ["controlplane/api", "controlplane/client"],
  "controlplane/controllers": ["controlplane/api", "controlplane/client", "proto"],
  "dataplane/kubelet": ["controlplane/api", "controlplane/client", "proto", "streaming"],
  "dataplane/nftables": [],
  "dataplane/proxy": ["controlplane/api", "controlplane/client", "dataplane/nftables"],
  "dataplane/netpol": ["controlplane/api", "controlplane/client", "dataplane/nftables"],
  "dataplane/balancer": [],
  "dataplane/dns": ["controlplane/api", "controlplane/client"],
  "dataplane/provisioner": ["controlplane/api", "controlplane/client"],
  "dataplane/edge": ["controlplane/api", "controlplane/client"],
  "dataplane/ingress": ["controlplane/api", "controlplane/client"],
  "jepsen-lite/history": [],
  "jepsen-lite/checkers": ["jepsen-lite/history"],
  "jepsen-lite/report": ["jepsen-lite/history"],
  "jepsen-lite/workloads": ["kvstore/client", "proto", "jepsen-lite/history", "jepsen-lite/checkers"],
  "jepsen-lite/processes": [
    "kvstore/client",
    "proto",
    "jepsen-lite/history",
    "jepsen-lite/checkers",
    "jepsen-lite/report",
    "jepsen-lite/workloads",
  ],
  "jepsen-lite/simulation": [
    "kvstore",
    "kvstore/client",
    "raft",
    "proto",
    "jepsen-lite/history",
    "jepsen-lite/checkers",
    "jepsen-lite/report",
    "jepsen-lite/workloads",
  ],
  "jepsen-lite/mutants": [
    "kvstore",
    "kvstore/client",
    "raft",
    "proto",
    "jepsen-lite/history",
    "jepsen-lite/checkers",
    "jepsen-lite/workloads",
    "jepsen-lite/simulation",
  ],
};

/** Rooms at the bottom of the table: they wire the others together. */
const mayImportAll = ["cli", "bench", "test", "scripts"];
const pure = [
  "base",
  "proto",
  "raft",
  "kvstore/bbolt",
  "controlplane/api",
  "jepsen-lite/history",
  "jepsen-lite/checkers",
];
const byLength = Object.keys(rooms).sort((a, b) => b.length - a.length);

function roomOf(path: string): string | undefined {
  return (
    byLength.find((room) => path.startsWith(`${room}/`)) ?? mayImportAll.find((room) => path.startsWith(`${room}/`))
  );
}

const complaints: string[] = [];
const files = globSync("**/*.ts", { exclude: (path) => path.includes("node_modules") });
for (const file of files) {
  const from = roomOf(file);
  if (from === undefined || mayImportAll.includes(from)) continue;
  const isTest = /\.(test|testing)\.ts$/.test(file);
  const text = readFileSync(file, "utf8");
  for (const match of text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)"([^"]+)"/g)) {
    const specifier = match[1] as string;
    const complain = (why: string) => complaints.push(`${file}: imports "${specifier}": ${why}`);
    if (!specifier.startsWith(".")) {
      if (pure.includes(from) && !isTest) complain(`${from} is pure: no platform, no package`);
      continue;
    }
    const target = normalize(join(dirname(file), specifier));
    const to = roomOf(target);
    if (to === from) continue;
    if (to === undefined) complain("that is in no room");
    else if (to !== "base" && !(rooms[from] as readonly string[]).includes(to)) complain(`${from} may not use ${to}`);
    else if (target !== `${to}/mod.ts` && !(isTest && target.endsWith(".testing.ts")))
      complain(`enter ${to} through ${to}/mod.ts`);
  }
}

for (const complaint of complaints) console.error(complaint);
console.log(`imports: ${files.length} files, ${complaints.length} violations`);
process.exitCode = complaints.length === 0 ? 0 : 1;
