import { defaultPriorityClass } from "../defaults/scheduling.ts";
import { priorityClassColumns, runtimeClassColumns } from "../printers/policy.ts";
import { RuntimeClass } from "../types/node.ts";
import { PriorityClass } from "../types/scheduling.ts";
import {
  validatePriorityClass,
  validatePriorityClassUpdate,
  validateRuntimeClass,
  validateRuntimeClassUpdate,
} from "../validation/pod-classes.ts";
import { resource } from "./resource.ts";

export const priorityClasses = resource<PriorityClass>(PriorityClass, {
  plural: "priorityclasses",
  shortNames: ["pc"],
  scope: "Cluster",
  hash: "1QwjyaZjj3Y=",
  columns: priorityClassColumns,
  strategy: {
    tracksGeneration: true,
    wantsSame: () => true,
    defaults: defaultPriorityClass,
    validate: validatePriorityClass,
    validateUpdate: validatePriorityClassUpdate,
  },
});

export const runtimeClasses = resource<RuntimeClass>(RuntimeClass, {
  plural: "runtimeclasses",
  scope: "Cluster",
  hash: "WQTu1GL3T2Q=",
  columns: runtimeClassColumns,
  strategy: {
    validate: validateRuntimeClass,
    validateUpdate: validateRuntimeClassUpdate,
    refuseUnconditionalUpdate: true,
  },
});
