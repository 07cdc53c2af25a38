// Real members broken on purpose (jepsen-lite/processes): a short run under nemeses, and faults by hand.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cluster, Faults, Observer, Prober, run, storeAt } from "../jepsen-lite/processes/mod.ts";
import { connect } from "../kvstore/client/mod.ts";

const seed = Date.now() % 1_000_000;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-test-jepsen-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("registers of members that are killed and cut off are linearizable, and faults were felt", async () => {
  const subject = { store: storeAt(undefined), members: 3 };
  const { fit, unfit } = await new Prober(subject).choose(["kill", "partition"]);
  expect(unfit).toEqual([]);
  const names = { workload: "register", nemeses: fit, subject, version: "", command: "" };
  const { verdict, effects } = await run({ ...names, seconds: 5, seed, directory });
  expect(
    verdict.checkers.filter(({ valid }) => valid !== true),
    `seed ${seed}`,
  ).toEqual([]);
  expect(effects).toEqual({ kill: expect.any(Number), partition: expect.any(Number) });
  expect(existsSync(join(directory, "report.html"))).toBe(true);
});

test("a leader that is cut off by hand answers nobody until the network is healed", async () => {
  const cluster = await Cluster.start({ store: storeAt(undefined), members: 3, directory, random: Math.random });
  const observer = new Observer(cluster, () => 0);
  const faults = new Faults(cluster);
  try {
    expect(await observer.healthy(30_000)).toBe(true);
    observer.watch();
    await expect.poll(() => observer.leader, { timeout: 10_000 }).toBeDefined();
    const leader = observer.leader!;
    const others = cluster.names.filter((name) => name !== leader);
    const client = connect({ endpoints: [cluster.member(leader).clientUrl], requireLeader: false });
    const put = () =>
      client.kv.put({ key: Buffer.from("k"), value: Buffer.from("v") }, { timeoutMs: 1500 }).then(
        () => "done",
        () => "no answer",
      );
    expect(await put()).toBe("done");
    await faults.partition([leader], others);
    expect(await put()).toBe("no answer");
    await expect.poll(() => others.includes(observer.leader!), { timeout: 10_000 }).toBe(true);
    await faults.heal();
    await expect.poll(put, { timeout: 10_000 }).toBe("done");
    await client.close();
  } finally {
    await observer.close();
    await cluster.remove();
  }
});
