import { int64, oneOf, packageOf, required, string, time } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.apimachinery.pkg.apis.meta.v1", "", "v1");

export const Condition = message("Condition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  observedGeneration: int64(3),
  lastTransitionTime: required(time(4)),
  reason: required(string(5)),
  message: required(string(6)),
});
export interface Condition extends Infer<typeof Condition> {}
