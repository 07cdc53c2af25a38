import { keyed, list, map, packageOf, quantity, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ContainerResizePolicy = message("ContainerResizePolicy", {
  resourceName: required(string(1)),
  restartPolicy: required(string(2)),
});
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ResourceClaim = message("ResourceClaim", {
  name: required(string(1)),
  request: string(2),
});
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceRequirements = message("ResourceRequirements", {
  limits: map(1, quantity),
  requests: map(2, quantity),
  claims: list<ResourceClaim>(3, ResourceClaim, keyed("name")),
});
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}
