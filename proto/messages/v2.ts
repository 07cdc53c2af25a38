import { bigUint64, named, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

/** What logs of etcd up to 3.4 have where later ones have an InternalRaftRequest: a request of the v2 API. Not all of its fields. */
export const Request = message("etcdserverpb.Request", {
  id: named("ID", bigUint64(1)),
  method: named("Method", string(2)),
  path: named("Path", string(3)),
  val: named("Val", string(4)),
});
export type Request = Infer<typeof Request>;
