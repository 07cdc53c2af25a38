// What plain HTTP answers on the client port, side by side with Debian's etcd 3.4 where that has it, and the metrics.
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianEtcd, etcdctl, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";
import { eventually } from "./support/eventually.ts";
import { goRuntimeOnly, neverHere, otherNames, removedNames } from "./support/metric-names.ts";

const port = portsFor(4) + 8;
const shared = ["--cors", "http://page.example:8080", "--host-whitelist", "127.0.0.1,known.example", "--enable-pprof"];
const metricsPorts = [port + 8, port + 9] as const;
const extra = (at: 0 | 1) => [...shared, "--listen-metrics-urls", `http://127.0.0.1:${metricsPorts[at]}`];
const auditLog = join(mkdtempSync(join(tmpdir(), "flotilla-audit-")), "audit.log");
const ours = new StoreCluster(flotilla, port, 1, [...extra(0), "--audit-log", auditLog, "--metrics", "extensive"]);
const theirs = new StoreCluster(debianEtcd, port + 2, 1, [...extra(1), "--metrics", "extensive"]);
const apart = new StoreCluster(flotilla, port + 4, 1, [
  ...["--listen-client-http-urls", `http://127.0.0.1:${port + 10}`, "--enable-grpc-gateway=false"],
]);
const both = [ours, theirs] as const;

beforeAll(() => Promise.all([...both, apart].map((cluster) => cluster.start())));
afterAll(async () => {
  await Promise.all([...both, apart].map((cluster) => cluster.remove()));
  rmSync(dirname(auditLog), { recursive: true, force: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** `fetch` sends no `Host` of one's own. */
async function ask(
  url: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const request = httpRequest(url, { method, headers, agent: false });
  request.end();
  const [response] = await once(request, "response");
  let body = "";
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body, headers: response.headers };
}

const askBoth = (path: string, init?: Parameters<typeof ask>[1]) =>
  Promise.all(both.map((cluster) => ask(`${cluster.endpoints}${path}`, init)));

describe("the client port", () => {
  test("health: in full since 3.5, and GET alone", async () => {
    const [own, original] = await askBoth("/health");
    expect([own?.status, own?.body]).toEqual([200, '{"health":"true","reason":""}']);
    expect([original?.status, original?.body]).toEqual([200, '{"health":"true"}']);
    const [ownPost, originalPost] = await askBoth("/health", { method: "POST" });
    expect([ownPost?.status, ownPost?.body, ownPost?.headers.allow]).toEqual([
      originalPost?.status,
      originalPost?.body,
      originalPost?.headers.allow,
    ]);
  });

  test("livez and readyz: a check at a time, all of them, or without some", async () => {
    const get = async (path: string) => (await ask(`${ours.endpoints}${path}`)).body;
    expect(await get("/livez")).toBe("ok\n");
    expect(await get("/livez?verbose")).toBe("[+]serializable_read ok\nok\n");
    expect(await get("/readyz?verbose&exclude=non_learner&exclude=data_corruption")).toBe(
      "[+]serializable_read ok\n[+]linearizable_read ok\nok\n",
    );
    expect(await get("/readyz/linearizable_read?verbose")).toBe("[+]linearizable_read ok\nok\n");
    expect(await get("/readyz/nothing")).toBe("404 page not found\n");
  });

  test("an alarm makes it unhealthy, but not dead", async () => {
    const corrupt = JSON.stringify({ action: "ACTIVATE", alarm: "CORRUPT", memberID: "7" });
    const raise = (cluster: StoreCluster, body: string) =>
      fetch(`${cluster.endpoints}/v3/maintenance/alarm`, { method: "POST", body });
    await Promise.all(both.map((cluster) => raise(cluster, corrupt)));
    const [own, original] = await askBoth("/health");
    expect([own?.status, own?.body]).toEqual([503, '{"health":"false","reason":"ALARM CORRUPT"}\n']);
    expect([original?.status, original?.body]).toEqual([503, '{"health":"false"}\n']);
    const ready = await ask(`${ours.endpoints}/readyz?exclude=serializable_read&exclude=linearizable_read`);
    expect([ready.status, ready.body]).toEqual([
      503,
      "[-]data_corruption failed: alarm activated: CORRUPT\n[+]non_learner ok\n\n",
    ]);
    expect((await ask(`${ours.endpoints}/health?exclude=CORRUPT`)).body).toContain("RANGE ERROR:etcdserver: corrupt");
    await Promise.all(both.map((cluster) => raise(cluster, corrupt.replace("ACTIVATE", "DEACTIVATE"))));
    const [now, originalNow] = await askBoth("/health");
    expect([now?.status, originalNow?.status]).toEqual([200, 200]);
  });

  test("version, and nothing at other paths", async () => {
    const [own, original] = await eventually("the version of either is decided", async () => {
      const answers = await askBoth("/version");
      return answers.every(({ body }) => !body.includes("not_decided")) && answers;
    });
    expect(JSON.parse(own!.body)).toEqual({ ...JSON.parse(original!.body), storage: "3.4.0" });
    const [ownOther, originalOther] = await askBoth("/nothing");
    expect([ownOther?.status, ownOther?.body]).toEqual([originalOther?.status, originalOther?.body]);
  });

  test("debug/vars has the status of Raft in the same form", async () => {
    const [own, original] = (await askBoth("/debug/vars")).map(({ body }) => JSON.parse(body)["raft.status"]);
    expect(Object.keys(own)).toEqual(Object.keys(original));
    expect({ ...own, raftState: original.raftState }).toMatchObject({ raftState: "StateLeader", leadtransferee: "0" });
    expect(Object.values(own.progress)).toEqual([
      { match: expect.any(Number), next: expect.any(Number), state: "StateReplicate" },
    ]);
  });

  test("profiles of V8, and words where Go's would be", async () => {
    const profile = JSON.parse((await ask(`${ours.endpoints}/debug/pprof/profile?seconds=0.2`)).body);
    expect(profile).toMatchObject({ nodes: expect.any(Array), startTime: expect.any(Number) });
    const heap = JSON.parse((await ask(`${ours.endpoints}/debug/pprof/heap?seconds=0.1`)).body);
    expect(heap).toMatchObject({ head: expect.any(Object) });
    const none = await ask(`${ours.endpoints}/debug/pprof/goroutine`);
    expect([none.status, none.body]).toEqual([404, expect.stringContaining("not a Go program")]);
    expect((await ask(`http://127.0.0.1:${port + 10}/debug/pprof/`)).status).toBe(404);
  });

  test.each([
    ["a page that may ask", { origin: "http://page.example:8080" }],
    ["another page", { origin: "http://other.example:8080" }],
    ["a host by a known name", { host: "known.example:2379" }],
    ["a host by another name", { host: "rebound.example" }],
  ])("%s", async (_, headers) => {
    for (const method of ["GET", "OPTIONS"]) {
      const [own, original] = (await askBoth("/version", { method, headers })).map(({ status, headers, body }) => ({
        status,
        body: status === 200 ? "" : body,
        ...Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control"))),
      }));
      expect(own).toEqual(original);
    }
  });
});

describe("ports apart", () => {
  test("metrics and health, and nothing else", async () => {
    for (const at of metricsPorts) {
      const get = async (path: string) => (await ask(`http://127.0.0.1:${at}${path}`)).status;
      expect([await get("/metrics"), await get("/health"), await get("/version")]).toEqual([200, 200, 404]);
    }
    expect((await ask(`http://127.0.0.1:${metricsPorts[0]}/readyz`)).body).toBe("ok\n");
  });

  test("HTTP for clients has its own, and the client port is gRPC's alone; without the gateway there is no JSON", async () => {
    expect((await ask(`http://127.0.0.1:${port + 10}/version`)).status).toBe(200);
    await expect(ask(`${apart.endpoints}/version`)).rejects.toThrow();
    expect((await etcdctl(apart.endpoints, ["put", "a", "1"])).stdout).toBe("OK\n");
    const put = await fetch(`http://127.0.0.1:${port + 10}/v3/kv/put`, { method: "POST", body: "{}" });
    expect([put.status, await put.text()]).toEqual([404, "404 page not found\n"]);
  });
});

describe("metrics", () => {
  const families = (text: string) =>
    new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const value = (text: string, sample: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${sample} `))
        ?.slice(sample.length),
    );

  test("all of the original's names and types, but for those that cannot mean anything here", async () => {
    await Promise.all(both.map(({ endpoints }) => etcdctl(endpoints, ["put", "counted", "1"])));
    const [own, original] = (await askBoth("/metrics")).map(({ body }) => families(body));
    const reasons = { ...goRuntimeOnly, ...neverHere, ...removedNames };
    const expected = [...original!].filter(([name]) => !(name! in reasons));
    expect([...own!]).toEqual(expect.arrayContaining(expected));
    for (const name of Object.keys(reasons)) expect(own!.has(name), `${name} is there after all`).toBe(false);
    for (const name of otherNames) expect([...own!.keys()], "names of later versions").toContain(name);
  });

  test("they count what happens", async () => {
    const before = (await ask(`${ours.endpoints}/metrics`)).body;
    await etcdctl(ours.endpoints, ["put", "a", "1"]);
    await etcdctl(ours.endpoints, ["get", "a"]);
    await etcdctl(ours.endpoints, ["get", "a", "--rev", "999"]);
    await etcdctl(ours.endpoints, ["watch", "a", "--rev", "1"], { until: "a" });
    const after = (await ask(`${ours.endpoints}/metrics`)).body;
    const grew = (sample: string) => value(after, sample) - value(before, sample);
    const kv = (metric: string, method: string, code = "") =>
      `${metric}{${code}grpc_method="${method}",grpc_service="etcdserverpb.KV",grpc_type="unary"}`;
    expect(grew("etcd_mvcc_put_total")).toBe(1);
    expect(grew("etcd_mvcc_range_total")).toBeGreaterThanOrEqual(1);
    expect(grew("etcd_debugging_mvcc_events_total")).toBeGreaterThanOrEqual(1);
    expect(grew(kv("grpc_server_started_total", "Put"))).toBe(1);
    expect(grew(kv("grpc_server_handled_total", "Range", 'grpc_code="OK",'))).toBe(1);
    expect(grew(kv("grpc_server_handled_total", "Range", 'grpc_code="OutOfRange",'))).toBe(1);
    expect(grew(kv("grpc_server_handling_seconds_count", "Put"))).toBe(1);
    expect(grew('etcd_server_apply_duration_seconds_count{op="Put",success="true",version="v3"}')).toBe(1);
    expect(grew("etcd_disk_wal_fsync_duration_seconds_count")).toBeGreaterThanOrEqual(1);
    expect(value(after, 'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"}')).toBe(
      value(after, "etcd_disk_wal_fsync_duration_seconds_count"),
    );
    expect(value(after, "etcd_server_has_leader")).toBe(1);
    expect(value(after, "process_open_fds")).toBeGreaterThan(10);
  });
});

test("the audit log says who asked what and how it ended, and is opened again on SIGHUP", async () => {
  await etcdctl(ours.endpoints, ["put", "audited", "secret-value"]);
  const lines = () => readFileSync(auditLog, "utf8").trim().split("\n");
  await expect.poll(() => lines().some((line) => line.includes("audited"))).toBe(true);
  const entry = JSON.parse(lines().find((line) => line.includes("audited"))!);
  expect(entry).toEqual({
    time: expect.stringMatching(/^\d{4}-/),
    method: "/etcdserverpb.KV/Put",
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    keys: [{ key: "audited" }],
    revision: expect.any(Number),
    code: "OK",
    duration_ms: expect.any(Number),
  });
  expect(readFileSync(auditLog, "utf8")).not.toContain("secret");
  renameSync(auditLog, `${auditLog}.1`);
  process.kill(ours.members[0]!.pid!, "SIGHUP");
  const isThere = async () => {
    await etcdctl(ours.endpoints, ["get", "rotated"]);
    return readFileSync(auditLog, "utf8").includes("rotated");
  };
  await expect.poll(() => isThere().catch(() => false)).toBe(true);
});
