import { always, bigUint64, bytes, embedded, int64, named, uint32, uint64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ConfState } from "./raft.ts";

export const Metadata = message("etcdserverpb.Metadata", {
  nodeID: named("NodeID", always(bigUint64(1))),
  clusterID: named("ClusterID", always(bigUint64(2))),
});
export type Metadata = Infer<typeof Metadata>;

export const Record = message("walpb.Record", { type: always(int64(1)), crc: always(uint32(2)), data: bytes(3) });
export type Record = Infer<typeof Record>;

export const Snapshot = message("walpb.Snapshot", {
  index: always(uint64(1)),
  term: always(uint64(2)),
  confState: embedded(3, () => ConfState),
});
export type Snapshot = Infer<typeof Snapshot>;
