import { defaultPriorityClass } from "../defaults/scheduling.ts";
import { RuntimeClass } from "../types/node.ts";
import { PriorityClass } from "../types/scheduling.ts";
import { resource } from "./resource.ts";

export const priorityClasses = resource<PriorityClass>(PriorityClass, {
  plural: "priorityclasses",
  shortNames: ["pc"],
  scope: "Cluster",
  hash: "1QwjyaZjj3Y=",
  strategy: { tracksGeneration: true, wantsSame: () => true, defaults: defaultPriorityClass },
});

export const runtimeClasses = resource<RuntimeClass>(RuntimeClass, {
  plural: "runtimeclasses",
  scope: "Cluster",
  hash: "WQTu1GL3T2Q=",
  strategy: { refuseUnconditionalUpdate: true },
});
