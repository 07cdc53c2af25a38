import { defaultPod } from "../defaults/pod-spec.ts";
import { selectByOwnLabels } from "../pods/label-keys.ts";
import { qosClassOf } from "../pods/qos.ts";
import { podColumns, podRowConditions } from "../printers/pods.ts";
import { Binding } from "../types/core/binding.ts";
import { Pod } from "../types/core/pod.ts";
import type { PodCondition } from "../types/core/pod-status.ts";
import { Eviction } from "../types/policy.ts";
import { validateEphemeralContainersUpdate } from "../validation/pod/ephemeral-containers.ts";
import { validatePod, validatePodCreate } from "../validation/pod/pod.ts";
import { validatePodResize } from "../validation/pod/pod-resize.ts";
import { validatePodUpdate } from "../validation/pod/pod-update.ts";
import { proxy, session } from "./connect.ts";
import { type Part, readAndWrite, resource, type Subresource } from "./resource.ts";

const heldBack: PodCondition = {
  type: "PodScheduled",
  status: "False",
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** Containers that somebody looks into the pod with. */
const ephemeralContainers: Part<Pod> = {
  take: ({ spec }, given) => {
    if (given.spec.ephemeralContainers === undefined) delete spec.ephemeralContainers;
    else spec.ephemeralContainers = given.spec.ephemeralContainers;
  },
  validateUpdate: validateEphemeralContainersUpdate,
};

/** How much of the node's resources its containers have. */
const resize: Part<Pod> = {
  take: ({ spec }, given) => {
    for (const list of ["containers", "initContainers"] as const) {
      for (const container of spec[list] ?? []) {
        const wanted = given.spec[list]?.find(({ name }) => name === container.name);
        if (wanted === undefined) continue;
        container.resources = wanted.resources ?? {};
        if (wanted.resizePolicy === undefined) delete container.resizePolicy;
        else container.resizePolicy = wanted.resizePolicy;
      }
    }
  },
  validateUpdate: validatePodResize,
};

function part(name: string, rules: Part<Pod>): Subresource {
  return { name, gvk: Pod.gvk, schema: Pod, verbs: readAndWrite, part: rules };
}

const firstIP = (pod: Pod) => pod.status?.podIP ?? pod.status?.podIPs?.[0]?.ip ?? "";

export const pods = resource<Pod>(Pod, {
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [
    { name: "binding", gvk: Binding.gvk, schema: Binding, verbs: ["create"] },
    part("ephemeralcontainers", ephemeralContainers),
    part("resize", resize),
    { name: "eviction", gvk: Eviction.gvk, schema: Eviction, verbs: ["create"] },
    { name: "log", gvk: Pod.gvk, schema: Pod, verbs: ["get"] },
    session("exec", "PodExecOptions"),
    session("attach", "PodAttachOptions"),
    session("portforward", "PodPortForwardOptions"),
    proxy("PodProxyOptions"),
  ],
  hash: "xPOwRZ+Yhw8=",
  columns: podColumns,
  rowConditions: podRowConditions,
  strategy: {
    tracksGeneration: true,
    statusUpdatesMetadata: true,
    defaults: defaultPod,
    prepareForCreate: (pod) => {
      selectByOwnLabels(pod);
      pod.status = { phase: "Pending", qosClass: qosClassOf(pod.spec) };
      if ((pod.spec.schedulingGates ?? []).length > 0) pod.status.conditions = [heldBack];
    },
    validate: validatePod,
    validateCreate: validatePodCreate,
    validateUpdate: validatePodUpdate,
  },
  selectableFields: {
    "spec.nodeName": (pod) => pod.spec.nodeName ?? "",
    "spec.host": (pod) => pod.spec.nodeName ?? "",
    "spec.restartPolicy": (pod) => pod.spec.restartPolicy ?? "",
    "spec.schedulerName": (pod) => pod.spec.schedulerName ?? "",
    "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "",
    "spec.hostNetwork": (pod) => String(pod.spec.hostNetwork ?? false),
    "status.phase": (pod) => pod.status?.phase ?? "",
    "status.podIP": firstIP,
    "status.podIPs": firstIP,
    "status.nominatedNodeName": (pod) => pod.status?.nominatedNodeName ?? "",
  },
});

/** POST to pods/NAME/binding in its old place: the name of the Binding is the pod's. */
export const bindings = resource<Binding>(Binding, {
  plural: "bindings",
  scope: "Namespaced",
  verbs: ["create"],
  storage: null,
});
