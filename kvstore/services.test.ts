import { expect, test } from "vitest";
import { HealthService, KVService, MaintenanceService, type Method, WatchService } from "../proto/mod.ts";
import type { Call } from "./rpc/grpc/mod.ts";
import type { Member } from "./server/member.ts";
import { checkCall } from "./services.ts";

const learner = { isLearner: true, leadership: { leader: 0n } } as unknown as Member;
const voter = { isLearner: false, leadership: { leader: 0n } } as unknown as Member;

function callOf(method: unknown, hasleader?: string): Call {
  return { method: method as Method, metadata: () => hasleader } as unknown as Call;
}

const { range, put } = KVService.methods;
const { status, snapshot, hashKV } = MaintenanceService.methods;

test.each([range, status, snapshot])("$name is let through to a learner", (method) => {
  checkCall(learner, callOf(method));
});

test.each([put, hashKV, WatchService.methods.watch, HealthService.methods.check])("$name is not", (method) => {
  expect(() => checkCall(learner, callOf(method))).toThrow("etcdserver: rpc not supported for learner");
});

test("who asks for a leader where there is none hears that, and of a learner first that it is one", () => {
  expect(() => checkCall(voter, callOf(put, "true"))).toThrow("etcdserver: no leader");
  expect(() => checkCall(learner, callOf(put, "true"))).toThrow("etcdserver: rpc not supported for learner");
  checkCall(voter, callOf(put));
});
