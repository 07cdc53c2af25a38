import { bigInt64, bytes, embedded } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";

export const LockRequest = message("v3lockpb.LockRequest", { name: bytes(1), lease: bigInt64(2) });
export type LockRequest = Infer<typeof LockRequest>;

export const LockResponse = message("v3lockpb.LockResponse", {
  header: embedded(1, () => ResponseHeader),
  key: bytes(2),
});
export type LockResponse = Infer<typeof LockResponse>;

export const UnlockRequest = message("v3lockpb.UnlockRequest", { key: bytes(1) });
export type UnlockRequest = Infer<typeof UnlockRequest>;

export const UnlockResponse = message("v3lockpb.UnlockResponse", { header: embedded(1, () => ResponseHeader) });
export type UnlockResponse = Infer<typeof UnlockResponse>;
