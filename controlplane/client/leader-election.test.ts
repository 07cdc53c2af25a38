import { expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../base/mod.ts";
import { elapse } from "./elapse.testing.ts";
import { FakeApiServer } from "./fake.testing.ts";
import { LeadershipLost, runLeaderElection } from "./leader-election.ts";

function setUp() {
  const clock = new VirtualClock();
  const server = new FakeApiServer(clock);
  const leaders = new Set<string>();
  const candidate = (identity: string) => {
    const client = server.client({ random: seededRandom(7) });
    const aborter = new AbortController();
    const lead = async (signal: AbortSignal) => {
      expect([...leaders], "one leader at a time").toEqual([]);
      leaders.add(identity);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      leaders.delete(identity);
    };
    const options = {
      namespace: "kube-system",
      name: "lock",
      identity,
      clock,
      random: seededRandom(7),
      log: () => undefined,
    };
    const ended = runLeaderElection(client, options, lead, aborter.signal);
    ended.catch(() => undefined);
    return { ended, stop: () => aborter.abort(new Error("stop")), client };
  };
  return { clock, server, leaders, candidate };
}

test("the first takes the lease, the second waits", async () => {
  const { clock, server, leaders, candidate } = setUp();
  candidate("a");
  await elapse(clock, 1000, 500);
  candidate("b");
  await elapse(clock, 60_000, 500);
  expect([...leaders]).toEqual(["a"]);
  const lease = await server.client().leases.get("kube-system", "lock");
  expect(lease.spec).toMatchObject({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 0 });
});

test("a leader that stops leaves the lease to the next one at once", async () => {
  const { clock, server, leaders, candidate } = setUp();
  const a = candidate("a");
  await elapse(clock, 1000, 500);
  candidate("b");
  await elapse(clock, 3000, 500);
  a.stop();
  await elapse(clock, 6000, 500);
  await a.ended;
  expect([...leaders]).toEqual(["b"]);
  const lease = await server.client().leases.get("kube-system", "lock");
  expect(lease.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
});

test("a leader that cannot renew stops before another starts", async () => {
  const { clock, server, leaders, candidate } = setUp();
  const a = candidate("a");
  await elapse(clock, 1000, 500);
  expect([...leaders]).toEqual(["a"]);
  server.intercept = ({ method }) =>
    method === "PUT"
      ? { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 500, reason: "InternalError" }
      : undefined;
  await elapse(clock, 13_000, 500);
  await expect(a.ended).rejects.toBeInstanceOf(LeadershipLost);
  expect([...leaders]).toEqual([]);
  server.intercept = () => undefined;
  candidate("b");
  await elapse(clock, 20_000, 500);
  expect([...leaders]).toEqual(["b"]);
});

test("somebody who crashed is succeeded after the lease's duration, whatever his clock said", async () => {
  const { clock, server, leaders, candidate } = setUp();
  const spec = { holderIdentity: "crashed", leaseDurationSeconds: 15, renewTime: "2099-01-01T00:00:00.000000Z" };
  await server.client().leases.create({ metadata: { namespace: "kube-system", name: "lock" }, spec });
  candidate("a");
  await elapse(clock, 14_000, 500);
  expect([...leaders]).toEqual([]);
  await elapse(clock, 6_000, 500);
  expect([...leaders]).toEqual(["a"]);
});
