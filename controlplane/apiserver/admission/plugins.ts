import type { Clock, Random } from "../../../base/mod.ts";
import type { Registry } from "../registry/served.ts";
import { persistentVolumeClaimResize } from "./claim-resize.ts";
import { defaultIngressClass } from "./default-ingress-class.ts";
import { defaultStorageClass } from "./default-storage-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { type EscalationGuard, escalationPrevention } from "./escalation.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import type { AdmissionPlugin } from "./plugin.ts";
import { priority } from "./priority.ts";
import { readerOf } from "./reader.ts";
import { runtimeClass } from "./runtime-class.ts";
import { serviceAccount } from "./service-account.ts";
import { storageObjectInUseProtection } from "./storage-in-use.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";

export interface PluginsOptions {
  readonly registry: Registry;
  readonly escalation: EscalationGuard;
  readonly clock: Clock;
  readonly random: Random;
}

/** What kube-apiserver runs by default, in its order; a quota is charged when nothing else can refuse any more. */
export function admissionPlugins({ registry, escalation, clock, random }: PluginsOptions): readonly AdmissionPlugin[] {
  const objects = readerOf(registry);
  return [
    namespaceLifecycle(objects),
    escalationPrevention(escalation),
    serviceAccount(objects, clock, random),
    taintNodesByCondition,
    priority(objects),
    defaultTolerationSeconds,
    defaultStorageClass(objects),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(objects),
    runtimeClass(objects),
    defaultIngressClass(objects),
  ];
}
