import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import type { NodeStatus } from "../../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../../controlplane/client/fake.testing.ts";
import type { Client } from "../../../controlplane/client/mod.ts";
import { NodeAgent } from "./node-agent.ts";

let client: Client;
const clock = new VirtualClock();
const ready = { type: "Ready", status: "True" } as const;
let agent: NodeAgent;
let registrations = 0;

beforeEach(async () => {
  client = new FakeApiServer().client();
  registrations = 0;
  agent = new NodeAgent({
    ...{ client, clock, log: () => undefined, nodeName: "n1", labels: {}, annotations: {} },
    status: async (): Promise<NodeStatus> => ({
      conditions: [{ ...ready, lastHeartbeatTime: new Date(clock.now()).toISOString() }],
    }),
    onRegistered: () => {
      registrations += 1;
    },
  });
  agent.start();
  clock.advance(0);
  await vi.waitFor(async () => expect(await readiness()).toBe("True"));
  await agent.report();
});
afterEach(() => {
  agent.stop();
});

const readiness = async () => (await client.nodes.get("n1")).status?.conditions?.[0]?.status;
const version = async () => (await client.nodes.get("n1")).metadata.resourceVersion;

test("a node that was given up contradicts with its next report", async () => {
  const status = { conditions: [{ type: "Ready", status: "Unknown" }] };
  await client.nodes.patch("n1", "merge", { status }, { subresource: "status" });
  expect(await readiness()).toBe("Unknown");
  await agent.report();
  expect(await readiness()).toBe("True");
});

test("a report without news writes nothing; after five minutes it does", async () => {
  const before = await version();
  await agent.report();
  expect(await version()).toBe(before);
  clock.advance(300_000);
  await agent.report();
  expect(await version()).not.toBe(before);
});

test("a node that somebody deleted registers again", async () => {
  await client.nodes.delete("n1");
  await agent.report();
  expect(await readiness()).toBe("True");
  expect(registrations).toBe(2);
});
