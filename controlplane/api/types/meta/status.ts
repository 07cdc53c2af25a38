import { always, atomic, given, int32, list, one, oneOf, packageOf, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { ListMeta } from "./object-meta.ts";

const { kind, message } = packageOf("io.k8s.apimachinery.pkg.apis.meta.v1", "", "v1");

export const StatusCause = message("StatusCause", {
  reason: string(1),
  message: string(2),
  field: string(3),
});
export interface StatusCause extends Infer<typeof StatusCause> {}

export const StatusDetails = message("StatusDetails", {
  name: string(1),
  group: string(2),
  kind: string(3),
  uid: string(6),
  causes: list<StatusCause>(4, StatusCause, atomic),
  retryAfterSeconds: int32(5),
});
export interface StatusDetails extends Infer<typeof StatusDetails> {}

export const Status = kind("Status", "The outcome of a request that does not return an object.", {
  metadata: given(one<ListMeta>(1, ListMeta, always)),
  status: oneOf(2, ["Success", "Failure"]),
  message: string(3),
  reason: string(4),
  details: one<StatusDetails>(5, StatusDetails),
  code: int32(6),
});
export interface Status extends Infer<typeof Status> {}
