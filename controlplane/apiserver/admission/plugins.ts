import { type Clock, Failure, type Random } from "../../../base/mod.ts";
import type { Authorizer } from "../auth/rbac.ts";
import type { Registry } from "../registry/served.ts";
import {
  certificateApproval,
  certificateRequestor,
  certificateSigning,
  certificateSubjectRestriction,
} from "./certificates.ts";
import { persistentVolumeClaimResize } from "./claim-resize.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";
import { defaultStorageClass } from "./default-storage-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { type EscalationGuard, escalationPrevention } from "./escalation.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import type { AdmissionPlugin } from "./plugin.ts";
import { podSecurity } from "./pod-security/pod-security.ts";
import { priority } from "./priority.ts";
import { readerOf } from "./reader.ts";
import { resourceQuota } from "./resource-quota.ts";
import { runtimeClass } from "./runtime-class.ts";
import { serviceAccount } from "./service-account.ts";
import { storageObjectInUseProtection } from "./storage-in-use.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";

export interface PluginsOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly escalation: EscalationGuard;
  readonly clock: Clock;
  readonly random: Random;
  /** Minor version of Kubernetes that "latest" means in the Pod Security Standards. */
  readonly minor: number;
  /** Names of plugins to go without. Fails on one that does not exist. */
  readonly disabled: readonly string[];
}

/** What kube-apiserver runs by default, in its order; a quota is charged when nothing else can refuse any more. */
export function admissionPlugins(options: PluginsOptions): readonly AdmissionPlugin[] {
  const { registry, authorizer, escalation, clock, random, minor, disabled } = options;
  const objects = readerOf(registry);
  const all = [
    namespaceLifecycle(objects),
    escalationPrevention(escalation),
    limitRanger(objects),
    serviceAccount(objects, clock, random),
    nodeRestriction(objects),
    taintNodesByCondition,
    podSecurity(objects, minor),
    priority(objects),
    defaultTolerationSeconds,
    defaultStorageClass(objects),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(objects),
    runtimeClass(objects),
    certificateRequestor,
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass(objects),
    resourceQuota(registry, clock),
  ];
  const optional = all.filter(({ name }) => !essential.has(name)).map(({ name }) => name);
  const unknown = disabled.find((name) => !optional.includes(name));
  if (unknown !== undefined) {
    const why = `there is no admission plugin ${JSON.stringify(unknown)} that can be disabled`;
    throw new Failure("AdmissionPluginUnknown", why, `Those are ${optional.join(", ")}`);
  }
  return all.filter(({ name }) => !disabled.includes(name));
}

/** Rules of the API itself, which only happen to be enforced here. */
const essential = new Set(["NamespaceLifecycle", "EscalationPrevention", "CertificateRequestor"]);
