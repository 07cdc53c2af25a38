import { bigUint64, int64, uint64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const ResponseHeader = message("etcdserverpb.ResponseHeader", {
  clusterId: bigUint64(1),
  memberId: bigUint64(2),
  revision: int64(3),
  raftTerm: uint64(4),
});
export type ResponseHeader = Infer<typeof ResponseHeader>;
