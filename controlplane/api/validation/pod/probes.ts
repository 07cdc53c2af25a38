import type { Container } from "../../types/core/container.ts";
import type { Lifecycle, LifecycleHandler, Probe } from "../../types/core/probe.ts";
import { validateNotNegative, validatePortNumberOrName } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isHTTPHeaderName, isPortNumber } from "../formats.ts";
import { validateChoice } from "./choice.ts";

type Handler = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc"> & Pick<LifecycleHandler, "sleep">;

/** `graceSeconds`: how long the pod has to end, which bounds how long its hooks may sleep. */
export function validateProbes(
  { livenessProbe, readinessProbe, startupProbe }: Container,
  graceSeconds: number | undefined,
  at: string,
  errors: FieldErrors,
): void {
  for (const [name, probe] of Object.entries({ livenessProbe, readinessProbe, startupProbe })) {
    if (probe === undefined) continue;
    const field = `${at}.${name}`;
    validateProbe(probe, graceSeconds, field, errors);
    if (name === "readinessProbe") {
      const grace = probe.terminationGracePeriodSeconds;
      const rule = "must not be set for readinessProbes";
      if (grace !== undefined) errors.invalid(`${field}.terminationGracePeriodSeconds`, grace, rule);
    } else if (probe.successThreshold !== 1) {
      // The other two act on the first success.
      errors.invalid(`${field}.successThreshold`, probe.successThreshold ?? 0, "must be 1");
    }
  }
}

function validateProbe(probe: Probe, graceSeconds: number | undefined, field: string, errors: FieldErrors): void {
  validateHandler(probe, graceSeconds, field, errors);
  for (const name of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const) {
    validateNotNegative(probe[name], `${field}.${name}`, errors);
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.invalid(`${field}.terminationGracePeriodSeconds`, grace, "must be greater than 0");
  }
}

export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  graceSeconds: number | undefined,
  field: string,
  errors: FieldErrors,
): void {
  for (const name of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[name];
    if (handler !== undefined) validateHandler(handler, graceSeconds, `${field}.${name}`, errors);
  }
}

function validateHandler(handler: Handler, graceSeconds: number | undefined, field: string, errors: FieldErrors): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given = Object.entries({ exec, httpGet, tcpSocket, grpc, sleep }).filter(([, action]) => action !== undefined);
  if (given.length === 0) errors.required(field, "must specify a handler type");
  for (const [name] of given.slice(1)) errors.forbidden(`${field}.${name}`, "may not specify more than 1 handler type");
  // Only the first is looked into: the others are wrong by being there.
  switch (given[0]?.[0]) {
    case "exec":
      if ((exec?.command ?? []).length === 0) errors.required(`${field}.exec.command`);
      break;
    case "httpGet":
      if (httpGet !== undefined) validateHTTPGet(httpGet, `${field}.httpGet`, errors);
      break;
    case "tcpSocket":
      validatePortNumberOrName(tcpSocket?.port, `${field}.tcpSocket.port`, errors);
      break;
    case "grpc":
      errors.invalidEach(`${field}.grpc.port`, grpc?.port ?? 0, isPortNumber(grpc?.port ?? 0));
      break;
    case "sleep": {
      const seconds = sleep?.seconds ?? 0;
      if (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds)) {
        const rule = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
        errors.invalid(`${field}.sleep`, seconds, rule);
      }
    }
  }
}

function validateHTTPGet(action: NonNullable<Probe["httpGet"]>, field: string, errors: FieldErrors): void {
  if (!action.path) errors.required(`${field}.path`);
  validatePortNumberOrName(action.port, `${field}.port`, errors);
  validateChoice(action.scheme, ["HTTP", "HTTPS"], `${field}.scheme`, errors);
  for (const { name } of action.httpHeaders ?? []) {
    errors.invalidEach(`${field}.httpHeaders`, name, isHTTPHeaderName(name));
  }
}
