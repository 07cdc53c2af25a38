import { expect, test } from "vitest";
import { toUtf8 } from "../../../base/mod.ts";
import { MemoryStore } from "./memory-store.ts";
import { progressSuite, storeSuite } from "./store.testing.ts";

const open = async () => ({ store: new MemoryStore(), prefix: "/registry/tests/" });
storeSuite("the store in memory", open);
progressSuite("the store in memory", open);

test("keys on a lease vanish with it, all at one revision", async () => {
  const store = new MemoryStore();
  const lease = await store.grantLease(60);
  await store.put("/registry/events/a", toUtf8("1"), 0, lease);
  await store.put("/registry/events/b", toUtf8("2"), 0, lease);
  const before = await store.revision();
  store.expireLease(lease);
  expect(await store.get("/registry/events/a")).toBeUndefined();
  expect(await store.revision()).toBe(before + 1);
});
