import type { IncomingMessage, ServerResponse } from "node:http";
import { AlarmType, etcdErrors } from "../../../proto/mod.ts";
import type { MemberMetrics } from "../../metrics/mod.ts";
import { keyRange } from "../../mvcc/mod.ts";
import type { Member } from "../../server/member.ts";
import { isGet, notFound, reply } from "./reply.ts";

/** Gives why a check failed; undefined if it passed. */
type Check = () => Promise<string | undefined>;

type HealthMetrics = Pick<MemberMetrics, "healthChecks" | "healthResults" | "healthy" | "unhealthy">;

/** `/health`, `/livez` and `/readyz`: is the member alive, and does it serve. */
export class Health {
  readonly #member: Member;
  readonly #metrics: HealthMetrics;
  readonly #checks: Readonly<Record<"livez" | "readyz", Readonly<Record<string, Check>>>>;

  constructor(member: Member, metrics: HealthMetrics) {
    this.#member = member;
    this.#metrics = metrics;
    const serializable_read: Check = () => this.#read(true);
    this.#checks = {
      livez: { serializable_read },
      readyz: {
        data_corruption: async () => (member.alarms.has(AlarmType.CORRUPT) ? "alarm activated: CORRUPT" : undefined),
        serializable_read,
        linearizable_read: () => this.#read(false),
        non_learner: async () => (member.isLearner ? "not supported for learner" : undefined),
      },
    };
  }

  /** Undefined if the path is none of these. */
  answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> | undefined {
    const [kind = "", only, ...more] = url.pathname.slice(1).split("/");
    if (kind === "health" && only === undefined) return this.#health(request, response, url.searchParams);
    if (kind !== "livez" && kind !== "readyz") return undefined;
    if (more.length > 0 || (only !== undefined && !Object.hasOwn(this.#checks[kind], only))) {
      return Promise.resolve(notFound(response));
    }
    return this.#run(kind, only, request, response, url.searchParams);
  }

  async #run(
    kind: "livez" | "readyz",
    only: string | undefined,
    { method }: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    if (!isGet(method, response)) return;
    const excluded = query.getAll("exclude");
    const checks = Object.entries(this.#checks[kind]);
    const chosen = checks.filter(([name]) => (only === undefined ? !excluded.includes(name) : name === only));
    let lines = "";
    let healthy = true;
    for (const [name, check] of chosen) {
      const why = await check();
      this.#metrics.healthResults.with(kind, name).value = why === undefined ? 1 : 0;
      this.#metrics.healthChecks.with(kind, name, why === undefined ? "success" : "error").value++;
      healthy &&= why === undefined;
      lines += why === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${why}\n`;
    }
    if (healthy) reply(response, 200, query.has("verbose") ? `${lines}ok\n` : "ok\n");
    else {
      this.#member.log("error", "Health check error", { path: `/${kind}`, reason: lines });
      reply(response, 503, `${lines}\n`);
    }
  }

  /** The older check: the first thing that is wrong. */
  async #health({ method }: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    if (!isGet(method, response)) return;
    const reason = await this.#unhealthy(query.getAll("exclude"), query.get("serializable") === "true");
    (reason === "" ? this.#metrics.healthy : this.#metrics.unhealthy).value++;
    const body = JSON.stringify({ health: String(reason === ""), reason });
    if (reason === "") reply(response, 200, body);
    else {
      this.#member.log("warn", "/health error", { output: body });
      reply(response, 503, `${body}\n`);
    }
  }

  async #unhealthy(excluded: readonly string[], serializable: boolean): Promise<string> {
    const { alarms, leadership } = this.#member;
    for (const name of ["NOSPACE", "CORRUPT"] as const) {
      if (alarms.has(AlarmType[name]) && !excluded.includes(name)) return `ALARM ${name}`;
    }
    if (!serializable && leadership.leader === 0n) return "RAFT NO LEADER";
    const why = await this.#read(serializable);
    return why === undefined ? "" : `RANGE ERROR:${why}`;
  }

  #read(serializable: boolean): Promise<string | undefined> {
    const { alarms, state } = this.#member;
    if (alarms.has(AlarmType.CORRUPT)) return Promise.resolve(etcdErrors.Corrupt[1]);
    state.store.range(keyRange(Uint8Array.of(0), Uint8Array.of(0)), { limit: 1 });
    if (serializable) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#member.linearizable((failure) => resolve(failure === undefined ? undefined : etcdErrors[failure][1]));
    });
  }
}
