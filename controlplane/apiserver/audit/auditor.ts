import { createWriteStream, type WriteStream } from "node:fs";
import { type KubeObject, microTimeAt, parseJson } from "../../api/mod.ts";
import type { User } from "../auth/user.ts";
import type { RequestInfo } from "../http/request-info.ts";
import type { AuditDecision, AuditPolicy, AuditStage } from "./policy.ts";

/** What is known of a request before anybody has answered it. */
export interface AuditedRequest {
  readonly auditId: string;
  readonly info: RequestInfo;
  /** Path and query. */
  readonly uri: string;
  readonly user: User;
  /** Who really asked, where `user` is impersonated. */
  readonly impersonator: User | undefined;
  readonly sourceIp: string;
  readonly userAgent: string;
}

export interface AuditedAnswer {
  readonly code: number;
  readonly contentType: string;
  /** Absent: a stream. */
  readonly body?: Uint8Array | string;
}

/** What a request brought: an object, or the text of a patch. */
export type AuditedBody = { readonly object: KubeObject } | { readonly text: Uint8Array };

/** Where lines of the log go. */
export interface AuditSink {
  write(line: string): void;
}

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly sink: AuditSink;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Writes events of audit.k8s.io/v1, one a line: who asked for what, when, and what came of it. */
export class Auditor {
  readonly #options: AuditorOptions;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** The record of one request; undefined when the policy wants none. */
  begin(request: AuditedRequest): AuditRecord | undefined {
    const decision = this.#options.policy(request.info, request.user);
    if (decision.level === "None") return undefined;
    const record = new AuditRecord(request, decision, this.#options);
    record.write("RequestReceived");
    return record;
  }
}

export class AuditRecord {
  readonly #request: AuditedRequest;
  readonly #decision: AuditDecision;
  readonly #options: AuditorOptions;
  readonly #received: string;

  constructor(request: AuditedRequest, decision: AuditDecision, options: AuditorOptions) {
    this.#request = request;
    this.#decision = decision;
    this.#options = options;
    this.#received = microTimeAt(options.now());
  }

  write(stage: AuditStage, body?: AuditedBody, answer?: AuditedAnswer): void {
    if (this.#decision.omitStages.has(stage)) return;
    const { auditId, info, uri, user, impersonator, sourceIp, userAgent } = this.#request;
    const { level } = this.#decision;
    const given = body && ("object" in body ? body.object : objectOf(body.text));
    const requestObject = level === "Request" || level === "RequestResponse" ? given : undefined;
    const responseObject =
      level === "RequestResponse" && answer?.contentType === "application/json" ? objectOf(answer.body) : undefined;
    // The path of a creation does not say what is created.
    const name = given?.metadata?.name ?? responseObject?.metadata?.name;
    const event = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: this.#decision.level,
      auditID: auditId,
      stage,
      requestURI: uri,
      verb: info.verb,
      user: userInfo(impersonator ?? user),
      ...(impersonator && { impersonatedUser: userInfo(user) }),
      sourceIPs: [sourceIp],
      userAgent,
      ...(info.kind === "resource" && { objectRef: referenceOf(info, name ?? "") }),
      ...(answer && { responseStatus: { metadata: {}, code: answer.code } }),
      ...(requestObject && { requestObject }),
      ...(responseObject && { responseObject }),
      requestReceivedTimestamp: this.#received,
      stageTimestamp: microTimeAt(this.#options.now()),
    };
    this.#options.sink.write(`${JSON.stringify(event)}\n`);
  }
}

function userInfo({ name, uid, groups, extra }: User) {
  return { username: name, ...(uid && { uid }), groups, ...(extra && { extra }) };
}

function referenceOf(info: RequestInfo & { kind: "resource" }, bodyName: string) {
  const { group, version, resource, subresource, namespace } = info;
  const name = info.name || bodyName;
  return {
    resource,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(group && { apiGroup: group }),
    apiVersion: version,
    ...(subresource && { subresource }),
  };
}

/** Bodies that are no JSON (a patch in protobuf, a log) are not told. */
function objectOf(body: Uint8Array | string | undefined): KubeObject | undefined {
  if (body === undefined || body.length === 0) return undefined;
  const parsed = parseJson(typeof body === "string" ? body : Buffer.from(body).toString());
  return parsed.ok ? (parsed.value as KubeObject) : undefined;
}

/** Appends to a file; "-" is standard output. */
export function auditFile(path: string): AuditSink & { close(): Promise<void> } {
  if (path === "-") return { write: (line) => void process.stdout.write(line), close: () => Promise.resolve() };
  const stream: WriteStream = createWriteStream(path, { flags: "a", mode: 0o600 });
  return {
    write: (line) => void stream.write(line),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}
