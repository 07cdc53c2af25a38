import { type KubeObject, type Pod, type PriorityClass, status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

export const systemPriorityClasses = [
  {
    name: "system-cluster-critical",
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
  {
    name: "system-node-critical",
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
] as const;

/** Turns the name of a PriorityClass into the number the scheduler works with. Nobody sets the number by hand. */
export function priority(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "Priority",
    async admit(request) {
      if (!isAbout(request, "pods")) return;
      const pod = request.object as Pod;
      if (request.operation === "CREATE") await resolve(objects, request, pod);
      if (request.operation === "UPDATE") keep(pod, request.old as Pod & KubeObject);
    },
    async validate(request) {
      if (!isAbout(request, "priorityclasses", "scheduling.k8s.io")) return;
      const { operation, name } = request;
      if (operation === "DELETE" && systemPriorityClasses.some((system) => system.name === name))
        fail(status.forbidden(request.served.names, name, "this is a system priority class and cannot be deleted"));
      if (operation !== "DELETE" && (request.object as unknown as PriorityClass).globalDefault)
        await refuseSecondDefault(objects, request);
    },
  };
}

async function resolve(objects: ObjectReader, request: AdmissionRequest, { spec }: Pod): Promise<void> {
  const asked = spec.priorityClassName ?? "";
  const found = asked === "" ? await defaultClass(objects) : await objects.get("priorityclasses", "", asked);
  if (found === undefined && asked !== "") refuse(request, `no PriorityClass with name ${asked} was found`);
  if (found !== undefined) spec.priorityClassName = found.metadata.name;
  const value = found?.value ?? 0;
  const policy = found === undefined ? "PreemptLowerPriority" : found.preemptionPolicy;
  const computed = "priority admission controller computed";
  if (spec.priority !== undefined && spec.priority !== value)
    refuse(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; ${computed} ${value} from the given PriorityClass name`,
    );
  spec.priority = value;
  if (policy === undefined) return;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    refuse(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; ${computed} ${policy} from the given PriorityClass name`,
    );
  spec.preemptionPolicy = policy;
}

/** Clients that do not know the fields leave them out of their updates: that does not take them away. */
function keep({ spec }: Pod, { spec: old }: Pod): void {
  if (old.priority !== undefined) spec.priority ??= old.priority;
  if (old.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy;
}

/** Where several say they are the default, the least counts. */
async function defaultClass(objects: ObjectReader): Promise<PriorityClass | undefined> {
  const defaults = (await objects.list("priorityclasses", "")).filter(({ globalDefault }) => globalDefault);
  return defaults.reduce<PriorityClass | undefined>(
    (least, next) => (least === undefined || (next.value ?? 0) < (least.value ?? 0) ? next : least),
    undefined,
  );
}

async function refuseSecondDefault(objects: ObjectReader, request: AdmissionRequest): Promise<void> {
  const current = (await defaultClass(objects))?.metadata.name;
  if (current !== undefined && (request.operation === "CREATE" || current !== request.name))
    refuse(request, `PriorityClass ${current} is already marked as default. Only one default can exist`);
}
