import { defaultStatefulSet } from "../defaults/workloads.ts";
import { statefulSetColumns } from "../printers/workloads.ts";
import { StatefulSet } from "../types/apps/stateful-set.ts";
import { isDNS1123Label } from "../validation/formats.ts";
import {
  statefulSetWarnings,
  validateStatefulSet,
  validateStatefulSetCreate,
  validateStatefulSetUpdate,
} from "../validation/stateful-set.ts";
import { resource } from "./resource.ts";
import { scale } from "./scale.ts";

export const statefulSets = resource<StatefulSet>(StatefulSet, {
  plural: "statefulsets",
  shortNames: ["sts"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [scale],
  hash: "H+vl74LkKdo=",
  columns: statefulSetColumns,
  strategy: {
    tracksGeneration: true,
    defaults: defaultStatefulSet,
    validate: validateStatefulSet,
    validateCreate: validateStatefulSetCreate,
    validateUpdate: validateStatefulSetUpdate,
    warnings: statefulSetWarnings,
    // Names of its pods and of their claims begin with it, and a pod's name is a host name.
    name: isDNS1123Label,
  },
});
