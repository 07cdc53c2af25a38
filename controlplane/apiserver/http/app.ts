import { randomUUID } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Log } from "../../../base/mod.ts";
import type { UpgradeRequest } from "../../../streaming/mod.ts";
import { type KubeObject, StatusError, status } from "../../api/mod.ts";
import type { AuditedAnswer, AuditedBody, AuditedRequest, Auditor, AuditRecord } from "../audit/auditor.ts";
import type { Authenticator } from "../auth/authenticate.ts";
import { impersonation } from "../auth/impersonate.ts";
import type { Authorizer } from "../auth/rbac.ts";
import type { Attributes } from "../auth/rules.ts";
import type { User } from "../auth/user.ts";
import { fail } from "../fail.ts";
import type { Metrics } from "../metrics.ts";
import { StoreError } from "../storage/store.ts";
import { MAX_BODY_BYTES, readBody } from "./body.ts";
import type { Call } from "./call.ts";
import { forbiddenReason } from "./forbidden.ts";
import type { InFlight } from "./in-flight.ts";
import type { AnyRequest, AnyResponse } from "./listener.ts";
import { json, type Reply, send } from "./reply.ts";
import { parseRequest, type RequestInfo } from "./request-info.ts";
import { serveUpgrade, takesOver } from "./upgraded.ts";

export interface AppOptions {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly resource: (call: Call) => Promise<Reply>;
  readonly path: (request: PathCall) => Promise<Reply>;
  /** Requests for resources wait for it: before the roles that every cluster has are there, they would be refused. */
  readonly ready: Promise<void>;
  readonly inFlight: InFlight;
  /** Absent: nothing is recorded. */
  readonly auditor?: Auditor;
  /** Fires when the server stops: streams end. */
  readonly stopping: AbortSignal;
}

/** The record of a request under way, and its body once it has been read. */
interface Audit {
  readonly record: AuditRecord;
  body: AuditedBody | undefined;
}

/** One for all, as making an error records where: nearly every request ends in such an abort, after its answer. */
const clientGone = new Error("the client has gone, or has its answer");
const tooBusy = status.tooManyRequests("Too many requests, please try again later.", 1);

/** A request for something that is not a resource: discovery, health, version. */
export interface PathCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: AnyRequest["headers"];
}

/** How long anything but a stream may take. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Subresources whose answers take as long as what is behind them. */
const sessions: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy"]);

/** From a request to its answer: who asks, for what, may they; then the handler; then errors turned into a Status. */
export class App {
  readonly #options: AppOptions;
  #open = 0;

  constructor(options: AppOptions) {
    this.#options = options;
  }

  /** Requests not answered yet. */
  get open(): number {
    return this.#open;
  }

  /** Never throws, whatever the request. */
  handle(request: AnyRequest, response: AnyResponse, socket: TLSSocket, upgrade?: UpgradeRequest): void {
    const gone = new AbortController();
    (upgrade === undefined ? response : socket).on("close", () => gone.abort(clientGone));
    const signal = AbortSignal.any([gone.signal, this.#options.stopping]);
    const warnings: string[] = [];
    const auditId = headerOf(request, "audit-id") || randomUUID();
    const started = performance.now();
    this.#open++;
    const answer = async () => {
      const { reply, info, audit } = await this.#answer(request, socket, signal, warnings, auditId, upgrade);
      const code = reply.kind === "stream" ? 200 : reply.code;
      this.#options.metrics.observe(info, code, performance.now() - started);
      const common: Record<string, string | string[]> = { "Audit-Id": auditId, "Cache-Control": "no-cache, private" };
      if (warnings.length > 0) common.Warning = warnings.map((text) => `299 - ${JSON.stringify(text)}`);
      if (reply.kind === "stream") audit?.record.write("ResponseStarted", audit.body, { ...reply, code });
      // Streams end when the server stops; what is short is answered to its end.
      if (upgrade !== undefined && takesOver(upgrade, reply)) {
        response.detachSocket(socket);
        await serveUpgrade(upgrade, reply, signal);
      } else await send(request, response, reply, common, reply.kind === "stream" ? signal : gone.signal);
      audit?.record.write("ResponseComplete", audit.body, audited(reply, code));
    };
    answer()
      .catch((error: unknown) =>
        this.#options.log("error", "a request failed", { url: request.url, error: trace(error) }),
      )
      .finally(() => this.#open--);
  }

  async #answer(
    request: AnyRequest,
    socket: TLSSocket,
    signal: AbortSignal,
    warnings: string[],
    auditId: string,
    upgrade: UpgradeRequest | undefined,
  ): Promise<{ reply: Reply; info: RequestInfo; audit?: Audit }> {
    const method = request.method ?? "GET";
    const [path = "/", search = ""] = (request.url ?? "/").split("?", 2);
    const query = new URLSearchParams(search);
    const info = parseRequest(method, path, query);
    let audit: Audit | undefined;
    let leave: (() => void) | undefined;
    try {
      const real =
        (await this.#options.authenticator.authenticate(socket, request.headers)) ?? fail(status.unauthorized());
      const user = this.#impersonated(request, real) ?? real;
      audit = this.#beginAudit({
        auditId,
        info,
        uri: request.url ?? "/",
        user,
        impersonator: user === real ? undefined : real,
        sourceIp: socket.remoteAddress ?? "",
        userAgent: headerOf(request, "user-agent"),
      });
      const subresource = info.kind === "resource" ? info.subresource : "";
      leave = this.#options.inFlight.enter(info.verb, subresource, user.groups) ?? fail(tooBusy);
      const handle = async () => {
        if (info.kind === "resource") await this.#options.ready;
        this.#authorize(user, info, query);
        return await this.#dispatch(request, method, info, user, query, signal, warnings, audit, upgrade);
      };
      const isSession = sessions.has(subresource);
      return { reply: await (isSession ? handle() : withTimeout(handle())), info, ...(audit && { audit }) };
    } catch (error) {
      // What fails because its client left is nobody's to hear.
      if (signal.aborted) this.#options.log("debug", "a request was abandoned", { path });
      return { reply: this.#failure(error, path, signal.aborted), info, ...(audit && { audit }) };
    } finally {
      leave?.();
    }
  }

  #beginAudit(request: AuditedRequest): Audit | undefined {
    const record = this.#options.auditor?.begin(request);
    return record && { record, body: undefined };
  }

  /** undefined: nobody else is asked for. */
  #impersonated(request: AnyRequest, real: User): User | undefined {
    const wanted = impersonation(request.headers, real);
    if (wanted === undefined) return undefined;
    if (wanted === "NoUser") fail(status.internalError("groups, uid or extra requested without impersonating a user"));
    for (const check of wanted.checks) this.#require(check);
    return wanted.user;
  }

  #authorize(user: User, info: RequestInfo, query: URLSearchParams): void {
    const fieldSelector = query.get("fieldSelector") ?? "";
    this.#require(info.kind === "resource" ? { ...info, user, fieldSelector } : { ...info, user });
  }

  #require(asked: Attributes): void {
    const { allowed, reason } = this.#options.authorizer.authorize(asked);
    if (allowed) return;
    const why = forbiddenReason(asked, reason);
    if (asked.kind === "path") fail(status.forbidden({ group: "", resource: "" }, "", why));
    fail(status.forbidden({ group: asked.group, resource: asked.resource }, asked.name, why));
  }

  #dispatch(
    request: AnyRequest,
    method: string,
    info: RequestInfo,
    user: User,
    query: URLSearchParams,
    signal: AbortSignal,
    warnings: string[],
    audit: Audit | undefined,
    upgrade: UpgradeRequest | undefined,
  ): Promise<Reply> {
    const { headers } = request;
    if (info.kind === "path") return this.#options.path({ method, path: info.path, query, headers });
    return this.#options.resource({
      info,
      user,
      query,
      headers,
      signal,
      connection: { request, upgrade },
      body: async () => {
        const body = await readBody(request);
        // A patch is told as it came.
        if (body.ok && audit !== undefined && info.verb === "patch") audit.body = { text: body.bytes };
        if (body.ok) return body.bytes;
        return fail(
          body.error === "TooLarge"
            ? status.requestEntityTooLarge(MAX_BODY_BYTES)
            : status.badRequest("the request ended before its body did"),
        );
      },
      ...(audit && {
        decoded: (object: Readonly<Record<string, unknown>>) => {
          audit.body = { object: structuredClone(object) as unknown as KubeObject };
        },
      }),
      warn: (text) => void (warnings.includes(text) || warnings.push(text)),
    });
  }

  #failure(error: unknown, path: string, abandoned: boolean): Reply {
    if (error instanceof StatusError) return statusReply(error.status);
    // What the store says is for the client to read ("etcdserver: request is too large"); it is not our failure to log.
    if (error instanceof StoreError && error.code === "Unavailable")
      return statusReply(status.serviceUnavailable(error.message));
    if (error instanceof StoreError) return statusReply(status.internalError(error.message));
    if (!abandoned) this.#options.log("error", "a handler failed", { path, error: trace(error) });
    return statusReply(status.internalError(error instanceof Error ? error.message : String(error)));
  }
}

/** Of what others answered, only the code is told. */
function audited(reply: Reply, code: number): AuditedAnswer {
  return reply.kind === "passed" || reply.kind === "session" ? { code, contentType: "" } : { ...reply, code };
}

function statusReply(failure: StatusError["status"]): Reply {
  const retry = failure.details?.retryAfterSeconds;
  return json(failure.code, failure, retry === undefined ? undefined : { "Retry-After": String(retry) });
}

async function withTimeout(reply: Promise<Reply>): Promise<Reply> {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = "request did not complete within the allotted timeout";
  const timer = setTimeout(() => reject(new StatusError(status.timeout(message))), REQUEST_TIMEOUT_MS);
  try {
    return await Promise.race([reply, promise]);
  } finally {
    clearTimeout(timer);
  }
}

const headerOf = (request: AnyRequest, name: string) => [request.headers[name] ?? ""].flat()[0] ?? "";
const trace = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
