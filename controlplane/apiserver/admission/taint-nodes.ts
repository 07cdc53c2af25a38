import type { Node } from "../../api/mod.ts";
import { type AdmissionPlugin, isAbout } from "./plugin.ts";

const NOT_READY = "node.kubernetes.io/not-ready";

/** A node that is new has not said yet that it is ready: nothing is scheduled there until the node controller lifts the taint. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  admit(request) {
    if (request.operation !== "CREATE" || !isAbout(request, "nodes")) return;
    const node = request.object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY && effect === "NoSchedule")) return;
    node.spec = { ...node.spec, taints: [...taints, { key: NOT_READY, effect: "NoSchedule" }] };
  },
};
