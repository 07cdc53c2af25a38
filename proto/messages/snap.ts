import { always, bytes, uint32 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const Snapshot = message("snappb.snapshot", { crc: always(uint32(1)), data: bytes(2) });
export type Snapshot = Infer<typeof Snapshot>;
