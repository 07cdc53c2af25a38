import { qosClassOf } from "../../pods/qos.ts";
import { Quantity } from "../../quantity/quantity.ts";
import { equalJson } from "../../schema/equal.ts";
import type { Container } from "../../types/core/container.ts";
import type { Pod } from "../../types/core/pod.ts";
import type { FieldErrors } from "../field-errors.ts";

const resizable: readonly string[] = ["cpu", "memory"];

/** An update through pods/resize: how much CPU and memory containers have, while they run. */
export function validatePodResize(next: Pod, old: Pod, errors: FieldErrors): void {
  const hasOwn = ({ spec }: Pod) => Object.keys({ ...spec.resources?.requests, ...spec.resources?.limits }).length > 0;
  if (hasOwn(old) || hasOwn(next)) {
    errors.forbidden("", "pods with pod-level resources cannot be resized");
    return;
  }
  if (old.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
    errors.forbidden("", "static pods cannot be resized");
    return;
  }
  if (old.spec.os?.name === "windows") {
    errors.forbidden("", "windows pods cannot be resized");
    return;
  }

  // Who is pushed out first under pressure was decided when the pod was placed.
  const before = old.status?.qosClass ?? qosClassOf(old.spec);
  if (qosClassOf(next.spec) !== before) {
    errors.invalid("spec", before, "Pod QOS Class may not change as a result of resizing");
  }
  for (const list of ["containers", "initContainers"] as const) {
    const containers = next.spec[list] ?? [];
    if (containers.length !== (old.spec[list] ?? []).length) {
      errors.forbidden("spec", "only cpu and memory resources are mutable");
      return;
    }
    for (const [index, container] of containers.entries()) {
      const was = old.spec[list]?.[index] as Container;
      if (list === "initContainers" && container.restartPolicy !== "Always") {
        if (!equalJson(container, was)) {
          errors.forbidden("spec", "resources for non-sidecar init containers are immutable");
        }
        continue;
      }
      validateContainerResize(container, was, `spec.${list}[${index}].resources`, errors);
      if (!equalJson(withoutResizable(container), withoutResizable(was))) {
        const which = list === "containers" ? "resources" : "resources for sidecar containers";
        errors.forbidden("spec", `only cpu and memory ${which} are mutable`);
      }
    }
  }
  if (errors.list.length > 0) return;
  const rest = ({ containers: _, initContainers: __, ...spec }: Pod["spec"]) => spec;
  if (!equalJson(rest(next.spec), rest(old.spec))) {
    errors.forbidden("spec", "only cpu and memory resources are mutable");
  }
}

function validateContainerResize(next: Container, old: Container, field: string, errors: FieldErrors): void {
  for (const kind of ["requests", "limits"] as const) {
    const now = next.resources?.[kind] ?? {};
    if (Object.keys(old.resources?.[kind] ?? {}).some((name) => now[name] === undefined)) {
      errors.forbidden(`${field}.${kind}`, `resource ${kind} cannot be removed`);
    }
  }
  const policy = next.resizePolicy?.find(({ resourceName }) => resourceName === "memory")?.restartPolicy;
  if (policy === "RestartContainer") return;
  // What a process has it keeps: only a restart can give memory back.
  const [now, before] = [next.resources?.limits?.memory, old.resources?.limits?.memory];
  const at = `${field}.limits[memory]`;
  if (now === undefined) return;
  if (before === undefined) {
    errors.forbidden(at, "memory limits cannot be added unless resizePolicy is RestartContainer");
  } else if (Quantity.of(now).compare(Quantity.of(before)) < 0) {
    errors.forbidden(at, "memory limits cannot be decreased unless resizePolicy is RestartContainer");
  }
}

function withoutResizable({ resources, ...container }: Container): object {
  const others = (amounts: Record<string, string> | undefined) =>
    Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => !resizable.includes(name)));
  return { ...container, limits: others(resources?.limits), requests: others(resources?.requests) };
}
