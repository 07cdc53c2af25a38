import type { AttachedKeys } from "../auth/mod.ts";
import { fromByteString, type State } from "../mvcc/mod.ts";

/** Keys of the leases of the current state, for who asks about rights. */
export function attachedKeys(state: () => State): AttachedKeys {
  return {
    *keysOf(lease) {
      for (const key of state().lessor.attachedTo(lease)) yield fromByteString(key);
    },
  };
}
