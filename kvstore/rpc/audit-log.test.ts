import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toUtf8, VirtualClock } from "../../base/mod.ts";
import {
  AuthService,
  AuthUserChangePasswordRequest,
  KVService,
  type Method,
  PutRequest,
  Status,
  TxnRequest,
  WatchRequest,
  WatchService,
} from "../../proto/mod.ts";
import { AuditLog } from "./audit-log.ts";
import type { EndedCall } from "./grpc/mod.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-audit-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function openLog() {
  const path = join(directory, "audit.log");
  const log = new AuditLog({ path, clock: new VirtualClock(), log: () => undefined, userOf: () => "alice" });
  const entries = (name = "audit.log") =>
    readFileSync(join(directory, name), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  return { log, entries };
}

function ended(method: unknown, request: unknown, response: unknown = undefined): EndedCall {
  const peer = { address: "10.0.0.1:5", encrypted: true, certificate: undefined };
  return { method: method as Method, peer, request, response, startedMs: 0 } as unknown as EndedCall;
}

const { put, txn } = KVService.methods;
const key = (text: string) => ({ key: toUtf8(text) });

test("a line says who asked what of which keys and what came of it, and neither values nor passwords", async () => {
  const { log, entries } = openLog();
  const secret = toUtf8("secret");
  log.ended(ended(put, PutRequest.create({ ...key("a"), value: secret }), { header: { revision: 7 } }), Status.OK, 1.5);
  const request = {
    compare: [{ ...key("b"), value: secret }],
    success: [{ requestPut: { ...key("b"), value: secret } }, { requestRange: { ...key("c"), rangeEnd: toUtf8("d") } }],
    failure: [{ requestTxn: { success: [{ requestDeleteRange: { key: Uint8Array.of(0xff) } }] } }],
  };
  log.ended(ended(txn, TxnRequest.create(request)), Status.PermissionDenied, 0.25);
  const watch = WatchRequest.create({ createRequest: key("w") });
  log.ended(ended(WatchService.methods.watch, watch), Status.Canceled, 60_000);
  const change = AuthUserChangePasswordRequest.create({ name: "bob", password: "secret", hashedPassword: "secret" });
  log.ended(ended(AuthService.methods.userChangePassword, change), Status.OK, 3);
  await log.close();
  const who = { time: "2030-01-01T00:00:00.000Z", user: "alice", peer: "10.0.0.1:5" };
  expect(entries()).toEqual([
    { ...who, method: put.path, keys: [{ key: "a" }], revision: 7, code: "OK", duration_ms: 1.5 },
    {
      ...who,
      method: txn.path,
      keys: [{ key: "b" }, { key: "b" }, { key: "c", range_end: "d" }, { key: "base64:/w==" }],
      code: "PermissionDenied",
      duration_ms: 0.25,
    },
    { ...who, method: WatchService.methods.watch.path, keys: [{ key: "w" }], code: "Canceled", duration_ms: 60_000 },
    { ...who, method: AuthService.methods.userChangePassword.path, name: "bob", code: "OK", duration_ms: 3 },
  ]);
  expect(readFileSync(join(directory, "audit.log"), "utf8")).not.toContain("secret");
});

test("a file that cannot be written to is refused at once", () => {
  const nowhere = join(directory, "missing", "audit.log");
  const options = { clock: new VirtualClock(), log: () => undefined, userOf: () => undefined };
  expect(() => new AuditLog({ path: nowhere, ...options })).toThrow(
    expect.objectContaining({ code: "AuditLogUnwritable" }),
  );
});

test("after it was moved away, the file is begun anew; no line is lost", async () => {
  const { log, entries } = openLog();
  log.ended(ended(put, PutRequest.create(key("before"))), Status.OK, 1);
  await expect.poll(() => entries()).toHaveLength(1);
  renameSync(join(directory, "audit.log"), join(directory, "old.log"));
  log.ended(ended(put, PutRequest.create(key("between"))), Status.OK, 1);
  log.reopen();
  log.ended(ended(put, PutRequest.create(key("after"))), Status.OK, 1);
  await log.close();
  await expect.poll(() => entries("old.log").map(({ keys }) => keys[0].key)).toEqual(["before", "between"]);
  expect(entries().map(({ keys }) => keys[0].key)).toEqual(["after"]);
});
