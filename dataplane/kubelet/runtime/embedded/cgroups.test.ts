import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CgroupsV1 } from "./cgroups-v1.ts";
import { CgroupsV2, weightOfShares } from "./cgroups-v2.ts";
import { readHierarchies } from "./hierarchies.ts";

// A directory stands for the kernel's: what is tested is which files get which text.
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "flotilla-cgroups-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const resources = {
  cpuShares: 1024,
  cpuQuota: 50_000,
  cpuPeriod: 100_000,
  memoryLimitInBytes: 64 << 20,
  memorySwapLimitInBytes: 80 << 20,
  cpusetCpus: "0-1",
  hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }],
  unified: { "pids.max": "100" },
};

test("version 2: controllers are handed down to the container, whose files hold its limits", () => {
  const cgroups = CgroupsV2.open(dir, "node", ["cpu", "io", "memory", "pids", "cpuset", "hugetlb"]);
  cgroups.create("kubepods/burstable/pod1/c1", resources);
  for (const path of ["", "node", "node/kubepods", "node/kubepods/burstable", "node/kubepods/burstable/pod1"])
    expect(readFileSync(join(dir, path, "cgroup.subtree_control"), "utf8")).toBe("+cpu +memory +pids +cpuset +hugetlb");
  const text = (file: string) => readFileSync(join(dir, "node/kubepods/burstable/pod1/c1", file), "utf8");
  expect(text("cpu.weight")).toBe("39");
  expect(text("cpu.max")).toBe("50000 100000");
  expect(text("memory.max")).toBe(`${64 << 20}`);
  expect(text("memory.swap.max")).toBe(`${16 << 20}`);
  expect(text("pids.max")).toBe("100");
  expect(text("cpuset.cpus")).toBe("0-1");
  expect(text("hugetlb.2MB.max")).toBe(`${4 << 20}`);
  cgroups.update("kubepods/burstable/pod1/c1", { cpuQuota: -1, memoryLimitInBytes: -1 });
  expect([text("cpu.max"), text("memory.max")]).toEqual(["max 100000", "max"]);
});

test("version 2: use and deaths are read from the kernel's words", () => {
  const cgroups = CgroupsV2.open(dir, "node", ["cpu", "memory"]);
  cgroups.create("c1", {});
  const write = (file: string, text: string) => writeFileSync(join(dir, "node/c1", file), text);
  write("memory.current", "5000\n");
  write("memory.stat", "anon 2000\nfile 3000\ninactive_file 1000\n");
  write("cpu.stat", "usage_usec 42\nuser_usec 40\n");
  write("memory.events", "low 0\noom 3\noom_kill 2\n");
  expect(cgroups.usage("c1")).toEqual({
    cpuNanoseconds: 42_000,
    memoryBytes: 5000,
    workingSetBytes: 4000,
    rssBytes: 2000,
  });
  expect(cgroups.oomKills("c1")).toBe(2);
  expect(cgroups.usage("gone")).toEqual({});
});

test("version 1: a tree per controller; a cpuset starts with what its parent has", () => {
  for (const [path, text] of [
    ["cpuset", "0-3"],
    ["cpuset/node", ""],
    ["cpuset/node/c1", ""],
  ] as const) {
    mkdirSync(join(dir, path), { recursive: true });
    for (const file of ["cpuset.cpus", "cpuset.mems"]) writeFileSync(join(dir, path, file), text);
  }
  const at = (name: string) => join(dir, name);
  const hierarchies = {
    memory: at("memory"),
    cpu: at("cpu"),
    cpuacct: at("cpu"),
    pids: at("pids"),
    hugetlb: undefined,
    cpuset: at("cpuset"),
  };
  const cgroups = new CgroupsV1(hierarchies, "node");
  cgroups.create("c1", resources);
  const text = (file: string) => readFileSync(join(dir, file), "utf8");
  expect(text("cpu/node/c1/cpu.shares")).toBe("1024");
  expect(text("cpu/node/c1/cpu.cfs_quota_us")).toBe("50000");
  expect(text("memory/node/c1/memory.limit_in_bytes")).toBe(`${64 << 20}`);
  expect(text("pids/node/c1/pids.max")).toBe("100");
  expect(text("cpuset/node/c1/cpuset.cpus")).toBe("0-1");
  expect(text("cpuset/node/c1/cpuset.mems")).toBe("0-3");
  expect(cgroups.joinFiles("c1")).toHaveLength(4);
});

test("shares become weights on the scale of version 2", () => {
  expect([weightOfShares(2), weightOfShares(1024), weightOfShares(262_144)]).toEqual([1, 39, 10_000]);
});

test("groups are made in the highest group above one's own that was handed over, in each hierarchy", () => {
  const proc = join(dir, "proc");
  mkdirSync(proc);
  const mounts = [
    `31 23 0:27 / ${join(dir, "unified")} rw - cgroup2 cgroup2 rw`,
    `32 23 0:28 / ${join(dir, "cpu")} rw - cgroup cgroup rw,cpu,cpuacct`,
    `33 23 0:29 / ${join(dir, "memory")} rw - cgroup cgroup rw,memory`,
  ];
  writeFileSync(join(proc, "mountinfo"), mounts.join("\n"));
  const own = ["4:memory:/user/here", "3:cpu,cpuacct:/system", "0::/user.slice/user@7.service/app.slice/run.scope"];
  writeFileSync(join(proc, "cgroup"), `${own.join("\n")}\n`);
  // A group without that file stands for one that is not ours to write: who runs this may be root.
  for (const group of [
    "unified/user.slice/user@7.service",
    "unified/user.slice/user@7.service/app.slice",
    "memory/user/here",
  ]) {
    mkdirSync(join(dir, group), { recursive: true });
    writeFileSync(join(dir, group, "cgroup.procs"), "");
  }
  expect(readHierarchies(proc)).toEqual({
    v1: new Map([["memory", join(dir, "memory/user/here")]]),
    v2: join(dir, "unified/user.slice/user@7.service"),
  });
});
