import {
  equalJson,
  type KubeObject,
  type Namespace,
  type Pod,
  type PodTemplateSpec,
  status,
} from "../../../api/mod.ts";
import { fail } from "../../fail.ts";
import type { AdmissionRequest } from "../../registry/admission.ts";
import { type AdmissionPlugin, refuse } from "../plugin.ts";
import type { ObjectReader } from "../reader.ts";
import type { PodLike } from "./check.ts";
import { describe, violations } from "./evaluate.ts";
import { isStricter, nameOf, type Policy, policyOf, sameLevelVersion } from "./policy.ts";

const ignoredSubresources = new Set(["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]);

/** Kinds with a template of pods; who creates those is warned at once, and refused only when the pods come. */
const templates: Readonly<Record<string, (object: KubeObject) => PodTemplateSpec | undefined>> = {
  podtemplates: (object) => (object as { template?: PodTemplateSpec }).template,
  replicationcontrollers: templateOf,
  "replicasets.apps": templateOf,
  "deployments.apps": templateOf,
  "statefulsets.apps": templateOf,
  "daemonsets.apps": templateOf,
  "jobs.batch": templateOf,
  "cronjobs.batch": (object) =>
    (object as { spec?: { jobTemplate?: { spec?: { template?: PodTemplateSpec } } } }).spec?.jobTemplate?.spec
      ?.template,
};

function templateOf(object: KubeObject): PodTemplateSpec | undefined {
  return (object as { spec?: { template?: PodTemplateSpec } }).spec?.template;
}

/** Holds pods to the Pod Security Standards that their namespace asks for. `newest`: what the version "latest" means. */
export function podSecurity(objects: ObjectReader, newest: number): AdmissionPlugin {
  return {
    name: "PodSecurity",
    async validate(request) {
      const { operation, served, subresource } = request;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      const kind = status.qualified(served.names);
      if (kind === "namespaces" && subresource === "") return validateNamespace(objects, request, newest);
      if (kind === "pods") return validatePod(objects, request, newest);
      const template = subresource === "" ? templates[kind]?.(request.object as KubeObject) : undefined;
      if (template?.spec === undefined) return;
      const { policy } = await policyFor(objects, request.namespace);
      warn(request, { ...template, spec: template.spec }, policy, newest);
    },
  };
}

async function policyFor(objects: ObjectReader, namespace: string) {
  return policyOf((await objects.get("namespaces", "", namespace))?.metadata.labels);
}

async function validatePod(objects: ObjectReader, request: AdmissionRequest, newest: number): Promise<void> {
  if (ignoredSubresources.has(request.subresource)) return;
  const pod = request.object as Pod;
  if (request.operation === "UPDATE" && !isSignificant(pod, request.old as Pod & KubeObject)) return;
  const { policy } = await policyFor(objects, request.namespace);
  const found = violations(pod, policy.enforce, newest);
  if (found.length > 0)
    refuse(request, `violates PodSecurity ${JSON.stringify(nameOf(policy.enforce))}: ${describe(found)}`);
  warn(request, pod, policy, newest);
}

function warn(request: AdmissionRequest, pod: PodLike, { warn: asked }: Policy, newest: number): void {
  const found = violations(pod, asked, newest);
  if (found.length > 0) request.warn(`would violate PodSecurity ${JSON.stringify(nameOf(asked))}: ${describe(found)}`);
}

/** Of what an update may change in a pod, images and added containers alone matter here. */
function isSignificant({ spec }: Pod, { spec: old }: Pod): boolean {
  const images = (list: readonly { readonly name?: string; readonly image?: string }[] = []) =>
    list.map(({ name, image }) => ({ name, image }));
  return (["initContainers", "containers", "ephemeralContainers"] as const).some(
    (field) => !equalJson(images(spec[field]), images(old[field])),
  );
}

/** Labels must make sense; a stricter level is told which of the pods that are there it would not let in. */
async function validateNamespace(objects: ObjectReader, request: AdmissionRequest, newest: number): Promise<void> {
  const namespace = request.object as Namespace & KubeObject;
  const { policy, errors } = policyOf(namespace.metadata.labels);
  const before = request.old && policyOf(request.old.metadata.labels);
  if (errors.length > 0 && !equalJson(errors, before?.errors ?? []))
    fail(status.invalid({ group: "", kind: "Namespace" }, request.name, errors));
  if (before === undefined) return;
  const [next, old] = [policy.enforce, before.policy.enforce];
  if (next.level === "privileged" || sameLevelVersion(next, old)) return;
  if (next.version === old.version && !isStricter(next.level, old.level)) return;
  const pods = await objects.list("pods", request.name);
  for (const warning of warningsFor(pods, policy, newest, request.name)) request.warn(warning);
}

/** Pods with the same violations are told together, under the name of the first. */
function warningsFor(pods: readonly Pod[], { enforce }: Policy, newest: number, namespace: string): string[] {
  const byReason = new Map<string, string[]>();
  for (const pod of pods) {
    const reasons = violations(pod, enforce, newest).map(({ reason }) => reason);
    if (reasons.length === 0) continue;
    const names = byReason.get(reasons.join(", ")) ?? [];
    names.push(pod.metadata.name);
    byReason.set(reasons.join(", "), names);
  }
  if (byReason.size === 0) return [];
  const told = [...byReason].map(([reasons, names]) => {
    const others = names.length - 1;
    const more = others === 0 ? "" : ` (and ${others} other pod${others === 1 ? "" : "s"})`;
    return `${names.sort()[0]}${more}: ${reasons}`;
  });
  const head = `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(nameOf(enforce))}`;
  return [head, ...told.sort()];
}
