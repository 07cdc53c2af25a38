import type { ContainerStatus, Job, Pod, PodFailurePolicyRule } from "../../api/mod.ts";

export interface Verdict {
  /** Undefined when no rule matches: the failure counts. */
  readonly action: PodFailurePolicyRule["action"] | undefined;
  /** Towards the back-off limit. */
  readonly counts: boolean;
  /** Of `FailJob`: why. */
  readonly message?: string;
}

/** What the first matching rule of spec.podFailurePolicy says about a pod that failed. */
export function judge(job: Job, pod: Pod): Verdict {
  const rules = job.spec.podFailurePolicy?.rules ?? [];
  for (const [index, rule] of rules.entries()) {
    const found = findMatch(rule, pod);
    if (found === undefined) continue;
    const message = rule.action === "FailJob" ? `${found} matching ${rule.action} rule at index ${index}` : undefined;
    return { action: rule.action, counts: rule.action !== "Ignore", ...(message === undefined ? {} : { message }) };
  }
  return { action: undefined, counts: true };
}

/** What about the pod matches, in words. */
function findMatch({ onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = pod.metadata;
  if (onExitCodes !== undefined) {
    const { containerName, operator, values } = onExitCodes;
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
    const matches = (status: ContainerStatus) => {
      const code = status.state?.terminated?.exitCode;
      if (code === undefined || code === 0 || (containerName !== undefined && status.name !== containerName))
        return false;
      return operator === "In" ? values.includes(code) : operator === "NotIn" && !values.includes(code);
    };
    const found = [...containerStatuses, ...initContainerStatuses].find(matches);
    if (found === undefined) return undefined;
    return `Container ${found.name} for pod ${namespace}/${name} failed with exit code ${found.state?.terminated?.exitCode}`;
  }
  const conditions = pod.status?.conditions ?? [];
  const found = onPodConditions.find(({ type, status = "True" }) =>
    conditions.some((condition) => condition.type === type && condition.status === status),
  );
  return found === undefined ? undefined : `Pod ${namespace}/${name} has condition ${found.type}`;
}
