import { equalJson, type Pod, Quantity, type RuntimeClass, type Toleration } from "../../api/mod.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** What a runtime costs, and where it can run, is part of every pod that asks for it. */
export function runtimeClass(objects: ObjectReader): AdmissionPlugin {
  const classOf = async (request: AdmissionRequest, { spec }: Pod) => {
    const name = spec.runtimeClassName;
    if (!name) return undefined;
    const found = await objects.get("runtimeclasses", "", name);
    return found ?? refuse(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  };
  return {
    name: "RuntimeClass",
    async admit(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "pods")) return;
      const pod = request.object as Pod;
      const found = await classOf(request, pod);
      if (found === undefined) return;
      setOverhead(request, pod, found);
      setScheduling(request, pod, found);
    },
    async validate(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "pods")) return;
      const pod = request.object as Pod;
      const overhead = (await classOf(request, pod))?.overhead;
      if (overhead === undefined && pod.spec.overhead !== undefined)
        refuse(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
      if (overhead !== undefined && !sameAmounts(overhead.podFixed, pod.spec.overhead)) refuse(request, MISMATCH);
    },
  };
}

function setOverhead(request: AdmissionRequest, { spec }: Pod, { overhead }: RuntimeClass): void {
  if (overhead === undefined) return;
  if (spec.overhead !== undefined && !sameAmounts(overhead.podFixed, spec.overhead)) refuse(request, MISMATCH);
  spec.overhead = { ...overhead.podFixed };
}

function setScheduling(request: AdmissionRequest, { spec }: Pod, { scheduling }: RuntimeClass): void {
  if (scheduling === undefined) return;
  for (const [key, wanted] of Object.entries(scheduling.nodeSelector ?? {})) {
    const given = spec.nodeSelector?.[key];
    if (given !== undefined && given !== wanted)
      refuse(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${wanted}; pod.spec.nodeSelector[${key}] = ${given}`,
      );
  }
  if (scheduling.nodeSelector !== undefined) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
  const own: readonly Toleration[] = spec.tolerations ?? [];
  const added = (scheduling.tolerations ?? []).filter(
    (toleration) => !own.some((known) => equalJson(known, toleration)),
  );
  if (added.length > 0) spec.tolerations = [...own, ...structuredClone(added)];
}

/** Quantities are compared as numbers: 1000m is 1. */
function sameAmounts(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every(
    (name) =>
      a[name] !== undefined && b[name] !== undefined && Quantity.of(a[name]).compare(Quantity.of(b[name])) === 0,
  );
}
