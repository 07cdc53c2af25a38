import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { AlarmType, etcdErrors } from "../../proto/mod.ts";
import type { Member } from "../server/member.ts";
import type { GrpcServer } from "./grpc/mod.ts";
import { storageVersion } from "./maintenance.ts";
import { metricsText } from "./metrics.ts";

/** Gives why a check failed; undefined if it passed. */
type Check = () => Promise<string | undefined>;

/** What plain HTTP answers on the client port: is it alive, is it well, which version, how much of what. */
export function httpHandler(member: Member, server: () => GrpcServer | undefined): RequestListener {
  const serializable: Check = async () => undefined;
  const linearizable: Check = () =>
    new Promise((resolve) =>
      member.linearizable((failure) => resolve(failure === undefined ? undefined : etcdErrors[failure][1])),
    );
  const checks = {
    livez: { serializable_read: serializable },
    readyz: {
      data_corruption: async () => (member.alarms.has(AlarmType.CORRUPT) ? "alarm activated: CORRUPT" : undefined),
      serializable_read: serializable,
      linearizable_read: linearizable,
      non_learner: async () => (member.isLearner ? "the member is a learner" : undefined),
    },
  } satisfies Record<string, Record<string, Check>>;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://member");
    const [first = "", only] = url.pathname.slice(1).split("/");
    if (request.method !== "GET" && request.method !== "HEAD") return reply(response, 405, "Method Not Allowed\n");
    if (url.pathname === "/version") return reply(response, 200, JSON.stringify(versions(member)), "application/json");
    if (url.pathname === "/metrics") {
      return reply(response, 200, metricsText(member, server()), "text/plain; version=0.0.4; charset=utf-8");
    }
    if (url.pathname === "/health") {
      const reason = await unhealthy(member, url.searchParams, linearizable);
      const body = JSON.stringify({ health: String(reason === ""), reason });
      return reply(response, reason === "" ? 200 : 503, body, "application/json");
    }
    if (first === "livez" || first === "readyz")
      return runChecks(first, checks[first], only, url.searchParams, response);
    reply(response, 404, "404 page not found\n");
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      member.log("warn", "cannot answer over HTTP", { path: request.url, error: String(error) });
      response.destroy();
    });
  };
}

async function runChecks(
  name: string,
  all: Readonly<Record<string, Check>>,
  only: string | undefined,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const excluded = query.getAll("exclude");
  const chosen = Object.entries(all).filter(([check]) =>
    only === undefined ? !excluded.includes(check) : check === only,
  );
  if (only !== undefined && chosen.length === 0) return reply(response, 404, "404 page not found\n");
  const lines: string[] = [];
  let failed = false;
  for (const [check, run] of chosen) {
    const why = await run();
    failed ||= why !== undefined;
    lines.push(why === undefined ? `[+]${check} ok` : `[-]${check} failed: ${why}`);
  }
  if (failed) return reply(response, 503, `${lines.join("\n")}\n${name} check failed\n`);
  reply(response, 200, query.has("verbose") ? `${lines.join("\n")}\nok\n` : "ok\n");
}

/** etcd's older health check: the first thing that is wrong, or nothing. */
async function unhealthy(member: Member, query: URLSearchParams, linearizable: Check): Promise<string> {
  const excluded = query.getAll("exclude");
  for (const [name, alarm] of [
    ["NOSPACE", AlarmType.NOSPACE],
    ["CORRUPT", AlarmType.CORRUPT],
  ] as const) {
    if (member.alarms.has(alarm) && !excluded.includes(name)) return `ALARM ${name}`;
  }
  if (member.leadership.leader === 0n) return "RAFT NO LEADER";
  if (query.get("serializable") === "true") return "";
  const why = await linearizable();
  return why === undefined ? "" : `RANGE ERROR:${why}`;
}

function versions(member: Member): Record<string, string> {
  return {
    etcdserver: member.version,
    etcdcluster: member.membership.version ?? "not_decided",
    storage: storageVersion(member),
  };
}

function reply(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}
