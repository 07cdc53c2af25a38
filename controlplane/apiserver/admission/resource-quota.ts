import type { Clock } from "../../../base/mod.ts";
import {
  type Amounts,
  addAmounts,
  amountsOf,
  type KubeObject,
  onlyAmounts,
  type Pod,
  Quantity,
  quotaMatches,
  quotaNames,
  quotaUsage,
  type ResourceQuota,
  resourceListOf,
  subtractAmounts,
  unstatedResources,
} from "../../api/mod.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import type { Claim } from "../registry/hooks.ts";
import type { Registry, Served } from "../registry/served.ts";
import { type AdmissionPlugin, refuse } from "./plugin.ts";

/**
 * Charges every quota of the namespace that the object counts for, or refuses it.
 *
 * The charge is a write to the quota's status at the version it was read in. Of two creations that would only fit one by
 * one, also at two API servers, the second sees what the first has taken: together they never exceed the quota. What the
 * charge was for may not be written after all; unless the quota controller has counted anew since, it is given back.
 */
export function resourceQuota(registry: Registry, clock: Clock): AdmissionPlugin {
  return {
    name: "ResourceQuota",
    async charge(request) {
      const quotas = registry.find("", "v1", "resourcequotas");
      if (quotas === undefined || request.namespace === "" || !isCounted(request)) return undefined;
      await quotas.cache.start();
      const matching = [...quotas.cache.entries(quotas.prefix(request.namespace))].filter(([, quota]) =>
        matches(quota, request),
      );
      if (matching.length === 0) return undefined;
      const delta = usageOf(request, clock.now());
      const charges: Claim[] = [];
      const undo = async () => {
        for (const charge of charges.reverse()) await charge.undo();
      };
      try {
        for (const [key] of matching) {
          const charge = await chargeOne(quotas, key, request, delta);
          if (charge !== undefined) charges.push(charge);
        }
      } catch (error) {
        await undo();
        throw error;
      }
      return { undo, settle: () => Promise.resolve() };
    },
  };
}

/** Objects count when they are created; of some kinds, updates change how much. */
function isCounted({ operation, subresource, served }: AdmissionRequest): boolean {
  if (operation === "CREATE") return subresource === "";
  if (operation !== "UPDATE" || served.names.group !== "") return false;
  const { resource } = served.names;
  if (resource === "pods") return subresource === "resize";
  return (resource === "services" || resource === "persistentvolumeclaims") && subresource === "";
}

function matches(quota: KubeObject, { served, object }: AdmissionRequest): boolean {
  return quotaMatches(quota as unknown as ResourceQuota, served.names, object as KubeObject);
}

/** What the write adds to what is used already. */
function usageOf(request: AdmissionRequest, nowMs: number): Amounts {
  const { served, object, old } = request;
  const usage = quotaUsage(served.names, object as KubeObject, nowMs);
  const negative = [...usage].filter(([, amount]) => amount.compare(Quantity.zero) < 0).map(([name]) => name);
  if (negative.length > 0) refuse(request, `quota usage is negative for resource(s): ${negative.sort().join(",")}`);
  const added = old === undefined ? usage : subtractAmounts(usage, quotaUsage(served.names, old, nowMs));
  return new Map([...added].filter(([, amount]) => !amount.isZero()));
}

async function chargeOne(
  quotas: Served,
  key: string,
  request: AdmissionRequest,
  delta: Amounts,
): Promise<Claim | undefined> {
  let before: ResourceQuota | undefined;
  const changed = await quotas.objects.update(key, (current) => {
    // Deleted meanwhile, or changed so that it is about something else: there is nothing to charge.
    if (current === undefined || !matches(current, request)) return { kind: "keep", object: quotaLess };
    const quota = structuredClone(current) as unknown as ResourceQuota;
    const used = usedAfter(quota, request, delta);
    if (used === undefined || request.dryRun) return { kind: "keep", object: current };
    before = current as unknown as ResourceQuota;
    quota.status = { ...quota.status, used: resourceListOf(used) };
    return { kind: "write", object: quota as unknown as KubeObject };
  });
  if (changed.how !== "updated") return undefined;
  const written = changed.object.metadata.resourceVersion;
  const settle = () => Promise.resolve();
  const undo = async () => {
    await quotas.objects.update(key, (current) => {
      // Somebody else's charge, or a new count, is on top of ours: the controller finds the difference.
      if (current?.metadata.resourceVersion !== written || before === undefined)
        return { kind: "keep", object: current ?? quotaLess };
      const quota = { ...structuredClone(current), status: before.status };
      return { kind: "write", object: quota as KubeObject };
    });
  };
  return { undo, settle };
}

/** Stands for the quota that is not there any more; nobody looks at it. */
const quotaLess: KubeObject = { metadata: { name: "" } };

/** What is used once the write has happened; undefined if that changes nothing. Refuses what exceeds the limits. */
function usedAfter(quota: ResourceQuota, request: AdmissionRequest, delta: Amounts): Amounts | undefined {
  const { name } = quota.metadata;
  const hard = amountsOf(quota.status?.hard);
  const used = amountsOf(quota.status?.used);
  const { names } = request.served;
  const limited = quotaNames(names, hard.keys());
  if (names.resource === "pods" && names.group === "") {
    const unstated = [...unstatedResources(request.object as Pod, limited)];
    if (unstated.length > 0) {
      const missing = unstated.map(([resource, containers]) => `${resource} for: ${containers.join(",")}`).join("; ");
      refuse(request, `failed quota: ${name}: must specify ${missing}`);
    }
  }
  const uncounted = limited.filter((resource) => !used.has(resource)).sort();
  if (uncounted.length > 0) refuse(request, `status unknown for quota: ${name}, resources: ${uncounted.join(",")}`);
  const requested = onlyAmounts(delta, hard.keys());
  if (requested.size === 0) return undefined;
  const after = addAmounts(used, requested);
  const exceeded = [...requested.keys()].filter((resource) => {
    const limit = hard.get(resource);
    return limit !== undefined && (after.get(resource) as Quantity).compare(limit) > 0;
  });
  if (exceeded.length === 0) return after;
  const print = (amounts: Amounts) =>
    Object.entries(resourceListOf(onlyAmounts(amounts, exceeded)))
      .map(([resource, amount]) => `${resource}=${amount}`)
      .join(",");
  const told = `requested: ${print(requested)}, used: ${print(used)}, limited: ${print(hard)}`;
  return refuse(request, `exceeded quota: ${name}, ${told}`);
}
