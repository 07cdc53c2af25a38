import type { Lifecycle, LifecycleHandler, Probe } from "../../types/core/probe.ts";
import { validateNotNegative, validateOneOf, validatePortNumberOrName } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isHTTPHeaderName, isPortNumber } from "../formats.ts";

type Handler = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc"> & Pick<LifecycleHandler, "sleep">;

/** `succeedsOnce`: liveness and startup probes act on the first success. */
export function validateProbe(
  probe: Probe | undefined,
  { succeedsOnce }: { readonly succeedsOnce: boolean },
  field: string,
  errors: FieldErrors,
): void {
  if (probe === undefined) return;
  validateHandler(probe, field, errors);
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
  if (succeedsOnce && probe.successThreshold !== 1) {
    errors.invalid(`${field}.successThreshold`, probe.successThreshold, "must be 1");
  }
}

export function validateLifecycle(lifecycle: Lifecycle | undefined, field: string, errors: FieldErrors): void {
  if (lifecycle?.postStart !== undefined) validateHandler(lifecycle.postStart, `${field}.postStart`, errors);
  if (lifecycle?.preStop !== undefined) validateHandler(lifecycle.preStop, `${field}.preStop`, errors);
}

function validateHandler(handler: Handler, field: string, errors: FieldErrors): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given = Object.entries({ exec, httpGet, tcpSocket, grpc, sleep }).filter(([, action]) => action !== undefined);
  if (given.length === 0) errors.required(field, "must specify a handler type");
  for (const [name] of given.slice(1)) errors.forbidden(`${field}.${name}`, "may not specify more than 1 handler type");

  if (exec !== undefined && (exec.command ?? []).length === 0) errors.required(`${field}.exec.command`);
  if (httpGet !== undefined) {
    if (!httpGet.path) errors.required(`${field}.httpGet.path`);
    validatePortNumberOrName(httpGet.port, `${field}.httpGet.port`, errors);
    validateOneOf(httpGet.scheme, ["HTTP", "HTTPS"], `${field}.httpGet.scheme`, errors);
    for (const [index, { name }] of (httpGet.httpHeaders ?? []).entries()) {
      errors.invalidEach(`${field}.httpGet.httpHeaders[${index}].name`, name, isHTTPHeaderName(name));
    }
  }
  if (tcpSocket !== undefined) validatePortNumberOrName(tcpSocket.port, `${field}.tcpSocket.port`, errors);
  if (grpc !== undefined) errors.invalidEach(`${field}.grpc.port`, grpc.port, isPortNumber(grpc.port));
  if (sleep !== undefined) validateNotNegative(sleep.seconds, `${field}.sleep.seconds`, errors);
}
