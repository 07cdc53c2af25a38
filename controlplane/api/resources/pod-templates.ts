import { defaultPodTemplate } from "../defaults/workloads.ts";
import { podTemplateObjectColumns } from "../printers/workloads.ts";
import { equalJson } from "../schema/equal.ts";
import { PodTemplate } from "../types/core/pod-template.ts";
import { validatePodTemplateObject } from "../validation/replication-controller.ts";
import { resource } from "./resource.ts";

export const podTemplates = resource<PodTemplate>(PodTemplate, {
  plural: "podtemplates",
  scope: "Namespaced",
  hash: "LIXB2x4IFpk=",
  columns: podTemplateObjectColumns,
  strategy: {
    tracksGeneration: true,
    wantsSame: (a, b) => equalJson(a.template, b.template),
    defaults: defaultPodTemplate,
    validate: validatePodTemplateObject,
  },
});
