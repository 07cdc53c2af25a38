import {
  type Amounts,
  amountsOf,
  type Container,
  type LimitRange,
  type LimitRangeItem,
  type PersistentVolumeClaim,
  type Pod,
  podTotals,
  Quantity,
  type ResourceRequirements,
} from "../../api/mod.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

/** Gives containers what their namespace says they get unasked, and refuses what is outside of its bounds. */
export function limitRanger(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "LimitRanger",
    async admit(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "pods")) return;
      for (const range of await objects.list("limitranges", request.namespace))
        setDefaults(request.object as Pod, range);
    },
    async validate(request) {
      const check = checkFor(request);
      if (check === undefined) return;
      for (const range of await objects.list("limitranges", request.namespace)) {
        const errors = [...new Set((range.spec.limits ?? []).flatMap(check))];
        if (errors.length > 0) refuse(request, errors.length > 1 ? `[${errors.join(", ")}]` : (errors[0] as string));
      }
    },
  };
}

/** Pods' resources change only through `resize`; claims grow by updates. */
function checkFor(request: AdmissionRequest): ((item: LimitRangeItem) => string[]) | undefined {
  const { operation, subresource, served, object } = request;
  const { group, resource } = served.names;
  if (group !== "" || (operation !== "CREATE" && operation !== "UPDATE")) return undefined;
  if (object?.metadata.deletionTimestamp !== undefined) return undefined;
  if (resource === "pods" && subresource === (operation === "CREATE" ? "" : "resize"))
    return (item) => podErrors(object as Pod, item);
  if (resource === "persistentvolumeclaims" && subresource === "")
    return (item) => claimErrors(object as unknown as PersistentVolumeClaim, item);
  return undefined;
}

/** What a container does not say is taken from the range, and noted in an annotation. */
function setDefaults(pod: Pod, { spec }: LimitRange): void {
  const limits: Record<string, string> = {};
  const requests: Record<string, string> = {};
  for (const item of spec.limits ?? []) {
    if (item.type !== "Container") continue;
    Object.assign(limits, item.default);
    Object.assign(requests, item.defaultRequest);
  }
  const notes: string[] = [];
  const fill = (container: Container, who: string) => {
    const own: ResourceRequirements = container.resources ?? {};
    const [setRequests, setLimits] = [missing(requests, own.requests), missing(limits, own.limits)];
    if (setRequests.length === 0 && setLimits.length === 0) return;
    container.resources = {
      ...own,
      ...(setLimits.length > 0 && { limits: { ...pick(limits, setLimits), ...own.limits } }),
      ...(setRequests.length > 0 && { requests: { ...pick(requests, setRequests), ...own.requests } }),
    };
    if (setRequests.length > 0) notes.push(`${setRequests.join(", ")} request for ${who} ${container.name}`);
    if (setLimits.length > 0) notes.push(`${setLimits.join(", ")} limit for ${who} ${container.name}`);
  };
  for (const container of pod.spec.containers) fill(container, "container");
  for (const container of pod.spec.initContainers ?? []) fill(container, "init container");
  if (notes.length === 0) return;
  const note = `LimitRanger plugin set: ${notes.join("; ")}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, "kubernetes.io/limit-ranger": note };
}

const missing = (defaults: Readonly<Record<string, string>>, own: Readonly<Record<string, string>> = {}) =>
  Object.keys(defaults)
    .filter((name) => own[name] === undefined)
    .sort();

const pick = (list: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, list[name] as string]));

function podErrors(pod: Pod, item: LimitRangeItem): string[] {
  if (item.type === "Pod") return errorsOf(item, podTotals(pod.spec, "requests"), podTotals(pod.spec, "limits"));
  if (item.type !== "Container") return [];
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
    errorsOf(item, amountsOf(resources?.requests), amountsOf(resources?.limits)),
  );
}

function errorsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  const errors: string[] = [];
  const each = (
    bounds: Readonly<Record<string, string>> | undefined,
    check: (name: string, bound: string) => string | undefined,
  ) => {
    for (const [name, bound] of Object.entries(bounds ?? {}).sort()) {
      const error = check(name, bound);
      if (error !== undefined) errors.push(error);
    }
  };
  each(item.min, (name, bound) => belowMinimum(item.type, name, bound, requests.get(name), limits.get(name)));
  each(item.max, (name, bound) => aboveMaximum(item.type, name, bound, requests.get(name), limits.get(name)));
  each(item.maxLimitRequestRatio, (name, bound) =>
    aboveRatio(item.type, name, bound, requests.get(name), limits.get(name)),
  );
  return errors;
}

function belowMinimum(type: string, name: string, bound: string, request?: Quantity, limit?: Quantity) {
  const minimum = Quantity.of(bound);
  const rule = `minimum ${name} usage per ${type} is ${minimum}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  if (request.compare(minimum) < 0) return `${rule}, but request is ${request}`;
  if (limit !== undefined && limit.compare(minimum) < 0) return `${rule}, but limit is ${limit}`;
  return undefined;
}

function aboveMaximum(type: string, name: string, bound: string, request?: Quantity, limit?: Quantity) {
  const maximum = Quantity.of(bound);
  const rule = `maximum ${name} usage per ${type} is ${maximum}`;
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (limit.compare(maximum) > 0) return `${rule}, but limit is ${limit}`;
  if (request !== undefined && request.compare(maximum) > 0) return `${rule}, but request is ${request}`;
  return undefined;
}

function aboveRatio(type: string, name: string, bound: string, request?: Quantity, limit?: Quantity) {
  const maximum = Quantity.of(bound);
  const rule = `${name} max limit to request ratio per ${type} is ${maximum}`;
  if (request === undefined || request.isZero()) return `${rule}, but no request is specified or request is 0`;
  if (limit === undefined || limit.isZero()) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = Number(limit.nanos) / Number(request.nanos);
  if (ratio <= Number(maximum.nanos) / 1e9) return undefined;
  return `${rule}, but provided ratio is ${ratio.toFixed(6)}`;
}

function claimErrors({ spec }: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  if (item.type !== "PersistentVolumeClaim") return [];
  const requests = amountsOf(spec.resources?.requests);
  const errors: string[] = [];
  for (const [name, bound] of Object.entries(item.min ?? {}).sort()) {
    const error = belowMinimum(item.type, name, bound, requests.get(name));
    if (error !== undefined) errors.push(error);
  }
  for (const [name, bound] of Object.entries(item.max ?? {}).sort()) {
    const maximum = Quantity.of(bound);
    const request = requests.get(name);
    const rule = `maximum ${name} usage per ${item.type} is ${maximum}`;
    if (request === undefined) errors.push(`${rule}.  No request is specified`);
    else if (request.compare(maximum) > 0) errors.push(`${rule}, but request is ${request}`);
  }
  return errors;
}
