import type { Container, Job, Pod } from "../../api/mod.ts";
import { controllerReference } from "../common/owners.ts";
import { isIndexed, trackingFinalizer } from "./accounting.ts";
import { completionIndexAnnotation } from "./indexes.ts";
import { countAnnotations, limitsPerIndex, nextCounts } from "./per-index.ts";

const indexVariable = "JOB_COMPLETION_INDEX";

/**
 * A pod for the Job; for an Indexed one it knows its index by annotation, label, host name and environment. `failed` is the pod that it
 * replaces, where failures are counted by index.
 */
export function podFor(job: Job, index: number | undefined, failed?: Pod): Pod {
  const { template } = job.spec;
  const { namespace, name } = job.metadata;
  const indexed = isIndexed(job) && index !== undefined;
  const mark: Record<string, string> = indexed ? { [completionIndexAnnotation]: String(index) } : {};
  const counts = limitsPerIndex(job) ? countAnnotations(nextCounts(job, failed)) : {};
  const spec = structuredClone(template.spec ?? { containers: [] });
  if (indexed) {
    spec.hostname ??= `${name}-${index}`;
    for (const container of [...(spec.initContainers ?? []), ...spec.containers]) tellIndex(container);
  }
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "",
      generateName: indexed ? `${name}-${index}-` : `${name}-`,
      namespace,
      labels: { ...template.metadata?.labels, ...mark },
      annotations: { ...template.metadata?.annotations, ...mark, ...counts },
      finalizers: [...(template.metadata?.finalizers ?? []), trackingFinalizer],
      ownerReferences: [controllerReference(job, "batch/v1", "Job")],
    },
    spec,
  };
}

function tellIndex(container: Container): void {
  if (container.env?.some(({ name }) => name === indexVariable)) return;
  const fieldPath = `metadata.labels['${completionIndexAnnotation}']`;
  container.env = [...(container.env ?? []), { name: indexVariable, valueFrom: { fieldRef: { fieldPath } } }];
}
