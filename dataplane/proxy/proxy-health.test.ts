import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import type { Node } from "../../controlplane/api/mod.ts";
import { ProxyHealth } from "./proxy-health.ts";

const clock = new VirtualClock();
let node: Node | undefined;
const health = new ProxyHealth(clock, () => node);
afterEach(() => health.stop());

test("a proxy is well while changes are applied within a minute; a node that is about to go gets no more connections", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, "close");
  await health.listen({ host: "127.0.0.1", port }, () => undefined);
  const look = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } }).then(({ status }) => status);

  expect([await look("/healthz"), await look("/livez"), await look("/other")]).toEqual([200, 200, 404]);
  clock.advance(600_000);
  expect(await look("/healthz"), "nothing has to be done").toBe(200);

  const startedMs = clock.monotonic();
  clock.advance(1);
  health.changed();
  health.applied(startedMs);
  clock.advance(59_999);
  expect(await look("/healthz")).toBe(200);
  clock.advance(1);
  expect([await look("/healthz"), await look("/livez")], "the change came too late for that").toEqual([503, 503]);
  health.applied(clock.monotonic());
  expect(await look("/livez")).toBe(200);

  node = { metadata: { name: "n1", deletionTimestamp: "2030-01-01T00:00:00Z" }, spec: {} } as Node;
  expect([await look("/healthz"), await look("/livez")]).toEqual([503, 200]);
});
