import type { Status, StatusDetails } from "./types/meta/status.ts";
import type { FieldError } from "./validation/field-errors.ts";

/** A request that failed, as Kubernetes tells it: `status` is the body of the answer, `status.code` its HTTP code. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: FailureStatus;

  constructor(status: FailureStatus) {
    super(status.message);
    this.status = status;
  }
}

export type StatusReason =
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "ServerTimeout"
  | "Timeout"
  | "TooManyRequests"
  | "BadRequest"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "Expired"
  | "ServiceUnavailable";

/** A Status with everything a client of a failed request may rely on. */
export interface FailureStatus extends Status {
  status: "Failure";
  message: string;
  reason: StatusReason;
  code: number;
}

export interface GroupResource {
  /** "" is the core group. */
  readonly group: string;
  readonly resource: string;
}

interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

const codes: Readonly<Record<StatusReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

function failure(reason: StatusReason, message: string, details?: StatusDetails): FailureStatus {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details && { details }),
    code: codes[reason],
  };
}

/** `deployments.apps`; `pods` in the core group. */
export function qualified({ group, resource }: GroupResource): string {
  return group === "" ? resource : `${resource}.${group}`;
}

// In details, `kind` is the resource for historical reasons; only Invalid names the real kind there.
function about({ group, resource }: GroupResource, name?: string): StatusDetails {
  return { ...(name && { name }), ...(group && { group }), kind: resource };
}

export function unauthorized(message = "Unauthorized"): FailureStatus {
  return failure("Unauthorized", message);
}

/** `why` is the sentence after "is forbidden: ", such as `User "u" cannot get resource "pods" in API group ""…`. */
export function forbidden(what: GroupResource, name: string, why: string): FailureStatus {
  if (what.resource === "") return failure("Forbidden", `forbidden: ${why}`, {});
  const subject = name === "" ? qualified(what) : `${qualified(what)} ${JSON.stringify(name)}`;
  return failure("Forbidden", `${subject} is forbidden: ${why}`, about(what, name));
}

export function notFound(what: GroupResource, name: string): FailureStatus {
  return failure("NotFound", `${qualified(what)} ${JSON.stringify(name)} not found`, about(what, name));
}

/** For paths that no resource is served at. */
export function pathNotFound(): FailureStatus {
  return failure("NotFound", "the server could not find the requested resource", {});
}

export function alreadyExists(what: GroupResource, name: string): FailureStatus {
  return failure("AlreadyExists", `${qualified(what)} ${JSON.stringify(name)} already exists`, about(what, name));
}

/** Every name drawn for a generateName was taken. */
export function generateNameConflict(what: GroupResource, name: string): FailureStatus {
  const why = "the server was not able to generate a unique name for the object";
  const details = { ...about(what, name), retryAfterSeconds: 1 };
  return failure("AlreadyExists", `${qualified(what)} ${JSON.stringify(name)} already exists, ${why}`, details);
}

const objectModified = "the object has been modified; please apply your changes to the latest version and try again";

export function conflict(what: GroupResource, name: string, why: string = objectModified): FailureStatus {
  const message = `Operation cannot be fulfilled on ${qualified(what)} ${JSON.stringify(name)}: ${why}`;
  return failure("Conflict", message, about(what, name));
}

export function invalid({ group, kind }: GroupKind, name: string, errors: readonly FieldError[]): FailureStatus {
  // The same error found twice is told once, as Kubernetes' aggregate does.
  const sentences = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const subject = `${group === "" ? kind : `${kind}.${group}`} ${JSON.stringify(name)} is invalid`;
  const told = sentences.length > 1 ? `[${sentences.join(", ")}]` : sentences[0];
  const causes = errors.map(({ type, message, field }) => ({ reason: type, message, field }));
  return failure("Invalid", told === undefined ? subject : `${subject}: ${told}`, {
    ...(name && { name }),
    ...(group && { group }),
    kind,
    causes,
  });
}

export function badRequest(message: string): FailureStatus {
  return failure("BadRequest", message);
}

export function methodNotAllowed(what: GroupResource, action: string): FailureStatus {
  const message = `${action} is not supported on resources of kind ${JSON.stringify(qualified(what))}`;
  return failure("MethodNotAllowed", message, about(what));
}

export function methodNotAllowedOnPath(): FailureStatus {
  return failure("MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

export function notAcceptable(accepted: readonly string[]): FailureStatus {
  return failure("NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
}

export function unsupportedMediaType(accepted: readonly string[]): FailureStatus {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return failure("UnsupportedMediaType", message);
}

export function requestEntityTooLarge(limitBytes: number): FailureStatus {
  return failure("RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);
}

/** The revision asked for was compacted away. `continueToken` lets a paged list go on at a newer revision. */
export function expired(message: string, continueToken?: string): FailureStatus {
  const status = failure("Expired", message);
  return continueToken === undefined ? status : { ...status, metadata: { continue: continueToken } };
}

export function gone(message: string): FailureStatus {
  return failure("Gone", message);
}

export function internalError(message: string): FailureStatus {
  return failure("InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

export function timeout(message: string, retryAfterSeconds = 0): FailureStatus {
  return failure("Timeout", `Timeout: ${message}`, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});
}

/** The client asked for a state newer than the server has seen, even after waiting for it. */
export function resourceVersionTooLarge(asked: number, current: number): FailureStatus {
  const message = `Too large resource version: ${asked}, current: ${current}`;
  return failure("Timeout", message, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** `retryAfterSeconds` also becomes the header Retry-After; 0: whenever the client likes. */
export function tooManyRequests(message: string, retryAfterSeconds: number): FailureStatus {
  return failure("TooManyRequests", message, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});
}

export function serviceUnavailable(message: string): FailureStatus {
  return failure("ServiceUnavailable", message);
}

/** The answer to a DELETE that took effect at once. */
export function deleted(what: GroupResource, name: string, uid: string | undefined): Status {
  const details = { ...about(what, name), ...(uid && { uid }) };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}
