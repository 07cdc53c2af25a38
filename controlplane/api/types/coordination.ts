import { always, explicit, given, int32, microTime, one, packageOf, string } from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.coordination.v1", "coordination.k8s.io", "v1");

export const LeaseSpec = message("LeaseSpec", {
  holderIdentity: string(1, explicit),
  leaseDurationSeconds: int32(2, explicit),
  acquireTime: microTime(3),
  renewTime: microTime(4),
  leaseTransitions: int32(5, explicit),
  strategy: string(6, explicit),
  preferredHolder: string(7, explicit),
});
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export const Lease = kind(
  "Lease",
  "A claim that its holder renews while it lives; used for leader election and node heartbeats.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<LeaseSpec>(2, LeaseSpec, always)),
  },
);
export interface Lease extends Infer<typeof Lease> {}

export const LeaseList = listOf<Lease>(Lease);
export interface LeaseList extends Infer<typeof LeaseList> {}
