import {
  type Eviction,
  equalJson,
  type KubeObject,
  type Node,
  type Pod,
  status,
  type TokenRequest,
} from "../../api/mod.ts";
import { referencesOf } from "../auth/pod-references.ts";
import { nodeNameOf } from "../auth/user.ts";
import { fail } from "../fail.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, refuse } from "./plugin.ts";
import type { ObjectReader } from "./reader.ts";

const MIRROR = "kubernetes.io/config.mirror";

/** A kubelet writes its own node and what concerns its own pods, and nothing else. */
export function nodeRestriction(objects: ObjectReader): AdmissionPlugin {
  return {
    name: "NodeRestriction",
    async admit(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      const { served, subresource } = request;
      switch (`${status.qualified(served.names)}${subresource && `/${subresource}`}`) {
        case "pods":
          return request.operation === "CREATE" ? admitMirror(objects, request, node) : admitDeletion(request, node);
        case "pods/status":
          return admitPodStatus(request, node);
        case "pods/eviction":
          return admitEviction(objects, request, node);
        case "nodes":
        case "nodes/status":
          return admitNode(request, node);
        case "persistentvolumeclaims":
          return refuse(request, `node ${quote(node)} may only update PVC status`);
        case "serviceaccounts/token":
          return admitToken(objects, request, node);
        case "leases.coordination.k8s.io":
          return admitLease(request, node);
        case "csinodes.storage.k8s.io":
          if (request.name !== node)
            refuse(request, "can only access CSINode with the same name as the requesting node");
          return;
      }
      if (status.qualified(served.names) === "pods")
        refuse(request, `unexpected pod subresource ${quote(subresource)}, only 'status' and 'eviction' are allowed`);
    },
  };
}

const quote = (text: string) => JSON.stringify(text);

/** The pods that a kubelet creates mirror those it runs from files: they show what is, and borrow nothing. */
async function admitMirror(objects: ObjectReader, request: AdmissionRequest, node: string): Promise<void> {
  const pod = request.object as Pod;
  const who = `node ${quote(node)}`;
  if (pod.metadata.annotations?.[MIRROR] === undefined)
    refuse(request, `pod does not have ${quote(MIRROR)} annotation, ${who} can only create mirror pods`);
  if (pod.spec.nodeName !== node) refuse(request, `${who} can only create pods with spec.nodeName set to itself`);
  await checkOwner(objects, request, node, pod);
  const borrows = (what: string) => refuse(request, `${who} can not create pods that reference ${what}`);
  if (pod.spec.serviceAccountName) borrows("a service account");
  const { secrets, configMaps, claims } = referencesOf(pod);
  if (secrets.size > 0) borrows("secrets");
  if (configMaps.size > 0) borrows("configmaps");
  if (claims.size > 0) borrows("persistentvolumeclaims");
}

async function checkOwner(objects: ObjectReader, request: AdmissionRequest, node: string, pod: Pod): Promise<void> {
  const who = `node ${quote(node)} can only create pods with`;
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  if (others.length > 0) refuse(request, `${who} a single owner reference set to itself`);
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node)
    return refuse(request, `${who} an owner reference set to itself`);
  if (!owner.controller) refuse(request, `${who} a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion)
    refuse(request, `node ${quote(node)} must not set blockOwnerDeletion on an owner reference`);
  const uid = (await objects.get("nodes", "", node))?.metadata.uid;
  if (uid !== owner.uid) refuse(request, `node ${quote(node)} UID mismatch: expected ${owner.uid} got ${uid ?? ""}`);
}

function admitDeletion(request: AdmissionRequest, node: string): void {
  const { operation } = request;
  if (operation !== "DELETE")
    refuse(
      request,
      `unexpected operation ${quote(operation)}, node ${quote(node)} can only create and delete mirror pods`,
    );
  if ((request.old as Pod & KubeObject).spec.nodeName !== node)
    refuse(request, `node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
}

function admitPodStatus(request: AdmissionRequest, node: string): void {
  const [next, old] = [request.object as Pod & KubeObject, request.old as Pod & KubeObject];
  if (old.spec.nodeName !== node)
    refuse(request, `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`);
  if (!equalJson(next.metadata.labels ?? {}, old.metadata.labels ?? {}))
    refuse(request, `node ${quote(node)} cannot update labels through pod status`);
}

async function admitEviction(objects: ObjectReader, request: AdmissionRequest, node: string): Promise<void> {
  const name = request.name || (request.object as Eviction & KubeObject).metadata.name;
  const pod = await objects.get("pods", request.namespace, name);
  if (pod === undefined) fail(status.notFound({ group: "", resource: "pods" }, name));
  if (pod.spec.nodeName !== node)
    refuse(request, `node ${quote(node)} can only evict pods with spec.nodeName set to itself`);
}

function admitNode(request: AdmissionRequest, node: string): void {
  const { operation, name, object, old } = request;
  if (name !== node) refuse(request, `node ${quote(node)} is not allowed to modify node ${quote(name)}`);
  if (operation === "DELETE") return;
  const [next, before] = [object as Node & KubeObject, old as (Node & KubeObject) | undefined];
  const forbidden = changedLabels(next, before).filter(isForbiddenLabel).sort();
  if (operation === "CREATE") {
    if (forbidden.length > 0)
      refuse(request, `node ${quote(node)} is not allowed to set the following labels: ${forbidden.join(", ")}`);
    return;
  }
  // Taints and owners are how the cluster keeps a node away from pods: it must not free itself.
  if (!equalJson(next.spec?.taints ?? [], before?.spec?.taints ?? []))
    refuse(request, `node ${quote(node)} is not allowed to modify taints`);
  if (!equalJson(next.metadata.ownerReferences ?? [], before?.metadata.ownerReferences ?? []))
    refuse(request, `node ${quote(node)} is not allowed to modify ownerReferences`);
  if (forbidden.length > 0) refuse(request, `is not allowed to modify labels: ${forbidden.join(", ")}`);
}

function changedLabels({ metadata }: KubeObject, old: KubeObject | undefined): string[] {
  const [next, before] = [metadata.labels ?? {}, old?.metadata.labels ?? {}];
  return [...new Set([...Object.keys(next), ...Object.keys(before)])].filter((label) => next[label] !== before[label]);
}

const kubeletLabels = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "node.kubernetes.io/windows-build",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
]);

/** Labels of Kubernetes itself steer pods; a kubelet may set those that describe its machine. */
function isForbiddenLabel(label: string): boolean {
  const domain = label.includes("/") ? (label.split("/")[0] as string) : "";
  const within = (parent: string) => domain === parent || domain.endsWith(`.${parent}`);
  if (within("node-restriction.kubernetes.io")) return true;
  if (!within("kubernetes.io") && !within("k8s.io")) return false;
  return !kubeletLabels.has(label) && !within("kubelet.kubernetes.io") && !within("node.kubernetes.io");
}

/** Tokens are for pods that run here, and die with them. */
async function admitToken(objects: ObjectReader, request: AdmissionRequest, node: string): Promise<void> {
  const { boundObjectRef: bound } = (request.object as unknown as TokenRequest).spec;
  if (bound?.kind !== "Pod" || bound.apiVersion !== "v1" || !bound.name)
    return refuse(request, "node requested token not bound to a pod");
  if (!bound.uid) refuse(request, "node requested token with a pod binding without a uid");
  const pod = await objects.get("pods", request.namespace, bound.name);
  if (pod === undefined) fail(status.notFound({ group: "", resource: "pods" }, bound.name));
  if (pod.metadata.uid !== bound.uid) {
    const why = `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    fail(status.conflict({ group: "", resource: "pods" }, bound.name, why));
  }
  if (pod.spec.nodeName !== node) refuse(request, "node requested token bound to a pod scheduled on a different node");
}

function admitLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== "kube-node-lease")
    refuse(request, `can only access leases in the "kube-node-lease" system namespace`);
  if (request.name === node) return;
  const what = request.operation === "CREATE" ? "create lease" : "access node lease";
  refuse(request, `can only ${what} with the same name as the requesting node`);
}
