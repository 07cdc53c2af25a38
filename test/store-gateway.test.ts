// The JSON API, ours and that of Debian's etcd 3.4: the same requests, and the same answers but for what later versions say differently.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianEtcd, flotilla, portsFor, StoreCluster } from "./store-cluster.ts";

const ours = new StoreCluster(flotilla, portsFor(4), 1);
const theirs = new StoreCluster(debianEtcd, portsFor(4) + 4, 1);
const both = [ours, theirs] as const;

beforeAll(() => Promise.all(both.map((cluster) => cluster.start())));
afterAll(() => Promise.all(both.map((cluster) => cluster.remove())));

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

async function post(cluster: StoreCluster, path: string, body: unknown, token?: string): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
  const response = await fetch(`${cluster.endpoints}${path}`, { method: "POST", body: text, headers });
  // 3.4 makes FailedPrecondition 412.
  const status = response.status === 412 ? 400 : response.status;
  return { status, body: sameEverywhere(await response.json()) };
}

/** Without what differs between any two clusters, and with errors as in 3.7: 3.4 says the text twice, and more of a stream's. */
function sameEverywhere(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(sameEverywhere);
  if (typeof json !== "object" || json === null) return json;
  const { header, error, code, grpc_code, message, ...rest } = json as Record<string, unknown>;
  if (message !== undefined) return { code: code ?? grpc_code, message };
  const shown = Object.entries(rest).map(([name, value]) => [name, sameEverywhere(value)]);
  const stripped = (header as Record<string, unknown> | undefined)?.revision;
  return {
    ...(header === undefined ? {} : { revision: stripped }),
    ...(error === undefined ? {} : { error: sameEverywhere(error) }),
    ...Object.fromEntries(shown),
  };
}

async function same(path: string, body: unknown): Promise<Answer> {
  const [own, original] = await Promise.all(both.map((cluster) => post(cluster, path, body)));
  expect(own, `${path} ${JSON.stringify(body)}`).toEqual(original);
  return own as Answer;
}

/** The lines of a stream, each as JSON; ends the request when nobody reads on. */
async function* lines(cluster: StoreCluster, path: string, body: string): AsyncGenerator<unknown> {
  const abort = new AbortController();
  const response = await fetch(`${cluster.endpoints}${path}`, { method: "POST", body, signal: abort.signal });
  let text = "";
  try {
    for await (const chunk of response.body!) {
      const complete = (text + Buffer.from(chunk)).split("\n");
      text = complete.pop()!;
      for (const line of complete) yield sameEverywhere(JSON.parse(line));
    }
  } finally {
    abort.abort();
  }
}

/** The same stream of both, a line at a time. */
class SameLines {
  readonly #streams: readonly AsyncGenerator<unknown>[];

  constructor(path: string, body: unknown) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    this.#streams = both.map((cluster) => lines(cluster, path, text));
  }

  async next(): Promise<unknown> {
    const [own, original] = await Promise.all(this.#streams.map((stream) => stream.next()));
    expect(own).toEqual(original);
    return own?.value;
  }

  async end(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.return(undefined)));
  }
}

/** Waits until there are so many keys with this prefix, at both. */
async function untilKeys(prefix: string, count: number): Promise<void> {
  const range = { key: base64(`${prefix}/`), range_end: base64(`${prefix}0`), count_only: true };
  for (const cluster of both) {
    for (;;) {
      const { body } = await post(cluster, "/v3/kv/range", range);
      if (((body as { count?: string }).count ?? "0") === String(count)) break;
    }
  }
}

describe("requests with one answer", () => {
  const [key, value] = [base64("foo"), base64("bar")];

  test.each<[string, unknown]>([
    ["/v3/kv/put", { key, value }],
    ["/v3/kv/put", { key, value: base64("other"), prev_kv: true }],
    ["/v3/kv/put", { key, ignoreValue: true, prevKv: true }],
    ["/v3/kv/range", { key }],
    ["/v3beta/kv/range", { key, unknown_field: [1, { a: null }] }],
    ["/v3/kv/range", { key: "AA==", range_end: "AA==", sort_order: "DESCEND", sort_target: "MOD" }],
    ["/v3/kv/range", { key: "AA==", range_end: "AA==", sort_order: 1, sort_target: 3, limit: "1" }],
    ["/v3/kv/range", { key, count_only: true, revision: 2 }],
    ["/v3/kv/range", { key: null }],
    ["/v3/kv/range", `{"key":"${key}"}{"key":1} and more`],
    ["/v3/kv/put", { key, value: base64("x".repeat(1_600_000)) }],
    ["/v3/kv/range", { key, revision: "99" }],
    [
      "/v3/kv/txn",
      {
        compare: [{ key, result: "EQUAL", target: "VERSION", version: "3" }],
        success: [{ request_put: { key, value } }, { request_range: { key } }],
        failure: [{ requestDeleteRange: { key } }],
      },
    ],
    ["/v3/kv/txn", {}],
    ["/v3/kv/txn", { success: [{}] }],
    ["/v3/kv/deleterange", { key, prev_kv: true }],
    ["/v3/kv/compaction", { revision: "3" }],
    ["/v3/kv/compaction", { revision: "3" }],
    ["/v3/lease/grant", { TTL: "100", ID: "4611686018427387905" }],
    ["/v3/lease/grant", '{"TTL":100,"ID":4611686018427387906}'],
    ["/v3/lease/grant", { TTL: 100, ID: "4611686018427387906" }],
    ["/v3/kv/lease/timetolive", { ID: "4611686018427387906", keys: true }],
    ["/v3/lease/leases", {}],
    ["/v3/kv/lease/revoke", { ID: "4611686018427387906" }],
    ["/v3/lease/revoke", { ID: "4611686018427387906" }],
    ["/v3/auth/role/list", {}],
    ["/v3/auth/user/get", { name: "nobody" }],
    ["/v3/auth/authenticate", { name: "root", password: "x" }],
    ["/v3/cluster/member/add", { peerURLs: ["nonsense"] }],
    ["/v3/cluster/member/remove", { ID: "1" }],
    ["/v3/maintenance/transfer-leadership", { targetID: "1" }],
    ["/v3/election/leader", { name: base64("nobody") }],
    ["/v3/election/resign", {}],
    ["/v3/lock/unlock", {}],
    ["/v3/lock/lock", { name: base64("lock"), lease: "99" }],
  ])("%s %j", async (path, body) => {
    await same(path, body);
  });

  test.each(["nonsense", '{"key":1}', '{"key":"!"}', '{"key":', '{"limit":"x"}', "[]"])(
    "what is no request, such as %s, is refused",
    async (body) => {
      const answers = await Promise.all(both.map((cluster) => post(cluster, "/v3/kv/range", body)));
      for (const answer of answers) expect(answer).toMatchObject({ status: 400, body: { code: 3 } });
    },
  );

  test("alarms: with a header, which 3.4 leaves empty", async () => {
    for (const body of [{}, { action: "GET", alarm: "NOSPACE" }]) {
      const [own, original] = await Promise.all(both.map((cluster) => post(cluster, "/v3/maintenance/alarm", body)));
      expect(own).toEqual({ status: 200, body: { revision: expect.stringMatching(/^\d+$/) } });
      expect(original).toEqual({ status: 200, body: {} });
    }
  });

  test("other paths and methods: as of 3.6, where 3.4 says so in plain text", async () => {
    expect(await post(ours, "/v3/nothing", {})).toEqual({ status: 404, body: { code: 5, message: "Not Found" } });
    const got = await fetch(`${ours.endpoints}/v3/kv/range`);
    expect([got.status, await got.json()]).toEqual([501, { code: 12, message: "Method Not Allowed" }]);
  });

  test("a deadline in the headers is kept", async () => {
    const waiting = both.map(async (cluster) => {
      await post(cluster, "/v3/election/campaign", { name: base64("full"), value: base64("a"), lease: 0 });
      const init = { method: "POST", headers: { "grpc-timeout": "100m" } };
      const body = JSON.stringify({ name: base64("full"), value: base64("b") });
      const response = await fetch(`${cluster.endpoints}/v3/election/campaign`, { ...init, body });
      return [response.status, sameEverywhere(await response.json())];
    });
    const [own, original] = await Promise.all(waiting);
    expect(own).toEqual([504, { code: 4, message: "context deadline exceeded" }]);
    expect(own?.[0]).toBe(original?.[0]);
    // Whoever has gone leaves the line.
    await untilKeys("full", 1);
  });
});

describe("streams", () => {
  test("a watch is one request and a line per message, until the client goes", async () => {
    const watch = new SameLines("/v3/watch", { create_request: { key: base64("w"), prev_kv: true } });
    expect(await watch.next()).toMatchObject({ result: { created: true } });
    await same("/v3/kv/put", { key: base64("w"), value: base64("1") });
    const kv = { key: base64("w"), value: base64("1"), version: "1" };
    expect(await watch.next()).toMatchObject({ result: { events: [{ kv }] } });
    await same("/v3/kv/deleterange", { key: base64("w") });
    expect(await watch.next()).toMatchObject({ result: { events: [{ type: "DELETE", prev_kv: kv }] } });
    await watch.end();
  });

  test("several requests stand in one body", async () => {
    await same("/v3/lease/grant", { TTL: 100, ID: "7" });
    const kept = new SameLines("/v3/lease/keepalive", '{"ID":"7"}{"ID":7}\n{"ID":"8"}');
    for (const result of [{ ID: "7", TTL: "100" }, { ID: "7" }, { ID: "8" }]) {
      expect(await kept.next()).toMatchObject({ result });
    }
    expect(await kept.next()).toBeUndefined();
  });

  test("a WebSocket carries requests and answers as messages", async () => {
    const heard = both.map(async (cluster) => {
      const socket = new WebSocket(`${cluster.endpoints.replace("http", "ws")}/v3/watch`);
      const messages: unknown[] = [];
      const enough = new Promise<void>((resolve) => {
        socket.onmessage = async ({ data }) => {
          messages.push(sameEverywhere(JSON.parse(String(data))));
          if (messages.length === 1) await post(cluster, "/v3/kv/put", { key: base64("ws"), value: "MQ==" });
          if (messages.length === 2) socket.send(JSON.stringify({ cancel_request: { watch_id: "0" } }));
          if (messages.length === 3) resolve();
        };
      });
      await new Promise((opened) => {
        socket.onopen = opened;
      });
      socket.send(JSON.stringify({ create_request: { key: base64("ws") } }));
      await enough;
      socket.close();
      return messages;
    });
    const [own, original] = await Promise.all(heard);
    expect(own).toEqual(original);
    expect(own).toMatchObject([
      { result: { created: true } },
      { result: { events: [{}] } },
      { result: { canceled: true } },
    ]);
  });
});

describe("locks and elections", () => {
  const name = base64("line");
  const lease = async (id: string) => void (await same("/v3/lease/grant", { TTL: 100, ID: id }));

  test("the second waits until the first unlocks, and one that gives up leaves the line", async () => {
    for (const id of ["11", "12", "13"]) await lease(id);
    const first = await same("/v3/lock/lock", { name, lease: "11" });
    expect(first.body).toMatchObject({ key: base64("line/b") });
    expect((await same("/v3/lock/lock", { name, lease: "11" })).body).toMatchObject({ key: base64("line/b") });
    const abort = new AbortController();
    const init = { method: "POST", body: JSON.stringify({ name, lease: "12" }), signal: abort.signal };
    const impatient = both.map(({ endpoints }) => fetch(`${endpoints}/v3/lock/lock`, init));
    await untilKeys("line", 2);
    abort.abort();
    for (const answer of impatient) await expect(answer).rejects.toThrow("aborted");
    await untilKeys("line", 1);
    const third = same("/v3/lock/lock", { name, lease: "13" });
    await untilKeys("line", 2);
    await same("/v3/lock/unlock", { key: base64("line/b") });
    expect((await third).body).toMatchObject({ key: base64("line/d") });
  });

  test("a waiting session whose lease ends does not get the lock, as it does of 3.4", async () => {
    for (const id of ["21", "22"]) await lease(id);
    await same("/v3/lock/lock", { name: base64("gone"), lease: "21" });
    const waiting = post(ours, "/v3/lock/lock", { name: base64("gone"), lease: "22" });
    const deceived = post(theirs, "/v3/lock/lock", { name: base64("gone"), lease: "22" });
    await untilKeys("gone", 2);
    await same("/v3/lease/revoke", { ID: "22" });
    await same("/v3/lock/unlock", { key: base64("gone/15") });
    expect(await waiting).toEqual({ status: 500, body: { code: 2, message: "mutex: session is expired" } });
    expect(await deceived).toMatchObject({ status: 200 });
  });

  test("a campaign, what it proclaims, and who observes it", async () => {
    for (const id of ["31", "32"]) await lease(id);
    const election = base64("election");
    const observed = new SameLines("/v3/election/observe", { name: election });
    const next = async () => ((await observed.next()) as { result: { kv: { value: string } } }).result.kv.value;
    const won = await same("/v3/election/campaign", { name: election, lease: "31", value: base64("a") });
    const { leader } = won.body as { leader: object };
    expect(await next()).toBe(base64("a"));
    await same("/v3/election/proclaim", { leader, value: base64("b") });
    expect(await next()).toBe(base64("b"));
    await same("/v3/election/leader", { name: election });
    const second = same("/v3/election/campaign", { name: election, lease: "32", value: base64("c") });
    await untilKeys("election", 2);
    await same("/v3/election/resign", { leader });
    await second;
    expect(await next()).toBe(base64("c"));
    await same("/v3/election/proclaim", { leader, value: base64("late") });
    await observed.end();
  });
});

describe("while auth is enabled", () => {
  const [key, value] = [base64("mine"), base64("1")];
  const tokens = new Map<StoreCluster, string>();

  async function logIn(name: string): Promise<void> {
    for (const cluster of both) {
      const { body } = await post(cluster, "/v3/auth/authenticate", { name, password: "pw" });
      tokens.set(cluster, (body as { token: string }).token);
    }
  }

  async function sameWithToken(path: string, body: unknown): Promise<Answer> {
    const [own, original] = await Promise.all(both.map((cluster) => post(cluster, path, body, tokens.get(cluster))));
    expect(own, path).toEqual(original);
    return own as Answer;
  }

  test("the token of the Authorization header says who asks, for locks and elections too", async () => {
    for (const name of ["root", "user"]) await same("/v3/auth/user/add", { name, password: "pw" });
    await same("/v3/auth/role/add", { name: "mine" });
    const perm = { permType: "READWRITE", key, range_end: base64("minf") };
    await same("/v3/auth/role/grant", { name: "mine", perm });
    await same("/v3/auth/user/grant", { user: "user", role: "mine" });
    await same("/v3/auth/user/grant", { user: "root", role: "root" });
    await same("/v3/auth/role/get", { role: "mine" });
    await same("/v3/auth/enable", {});
    expect((await same("/v3/kv/put", { key, value })).status).toBe(400);
    expect((await same("/v3/auth/authenticate", { name: "user", password: "wrong" })).status).toBe(400);
    await logIn("user");
    expect((await sameWithToken("/v3/kv/put", { key, value })).status).toBe(200);
    expect((await sameWithToken("/v3/kv/range", { key })).status).toBe(200);
    expect((await sameWithToken("/v3/kv/put", { key: base64("theirs"), value })).status).toBe(403);
    expect((await sameWithToken("/v3/auth/user/list", {})).status).toBe(403);
    await sameWithToken("/v3/lease/grant", { TTL: 100, ID: "41" });
    expect((await sameWithToken("/v3/lock/lock", { name: key, lease: "41" })).status).toBe(200);
    expect((await sameWithToken("/v3/lock/lock", { name: base64("theirs"), lease: "41" })).status).toBe(500);
    expect((await sameWithToken("/v3/election/leader", { name: base64("theirs") })).status).toBe(500);
    for (const cluster of both) tokens.set(cluster, "Bearer nonsense");
    expect((await sameWithToken("/v3/kv/range", { key })).status).toBe(401);
    await logIn("root");
    expect((await sameWithToken("/v3/auth/disable", {})).status).toBe(200);
  });
});
