import { expect, test } from "vitest";
import { KVService, WatchService } from "../../../proto/mod.ts";
import { MemberMetrics } from "../../metrics/mod.ts";
import type { Call } from "../grpc/mod.ts";
import { countClients } from "./calls.ts";

/** A call whose client says its version in these bytes. */
function callOf(version: string | undefined, isStream = false): Call {
  const method = isStream ? WatchService.methods.watch : KVService.methods.range;
  const latin1 = version === undefined ? undefined : Buffer.from(version).toString("latin1");
  return { method, metadata: (key: string) => (key === "client-api-version" ? latin1 : undefined) } as unknown as Call;
}

function shown({ registry }: MemberMetrics): string[] {
  return registry
    .text()
    .split("\n")
    .filter((line) => line.startsWith("etcd_server_client_requests_total"));
}

test("calls are counted by the version that their clients name, in whatever letters", () => {
  const metrics = new MemberMetrics();
  const count = countClients(metrics);
  for (const call of [callOf("3.5"), callOf("3.5"), callOf("drei‑fünf"), callOf(undefined, true)]) count(call);
  expect(shown(metrics)).toEqual([
    'etcd_server_client_requests_total{client_api_version="3.5",type="unary"} 2',
    'etcd_server_client_requests_total{client_api_version="drei‑fünf",type="unary"} 1',
    'etcd_server_client_requests_total{client_api_version="unknown",type="stream"} 1',
  ]);
});

test("a version that is no text is refused, and leaves nothing behind", () => {
  const metrics = new MemberMetrics();
  const call = { ...callOf(undefined), metadata: () => "3.5\xff" } as Call;
  expect(() => countClients(metrics)(call)).toThrow("etcdserver: invalid client api version");
  expect(shown(metrics)).toEqual([]);
});

test("versions that are made up come together under one name", () => {
  const metrics = new MemberMetrics();
  const count = countClients(metrics);
  for (let at = 0; at < 150; at++) count(callOf(`version ${at}`));
  expect(shown(metrics).find((line) => line.includes('"other"'))).toMatch(/ 50$/);
});
