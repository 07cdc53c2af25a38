import type { Storage } from "./storage.ts";
import { type ConfState, EntryType, type HardState, type Index, nobody } from "./types.ts";

/**
 * What a node starts from. A crash may have cut off the last write between its entries and its hard state; what the
 * entries themselves prove is put back.
 */
export function restoredState(storage: Storage): { hardState: HardState; confState: ConfState } {
  const { hardState, confState } = storage.initialState();
  const commit = Math.max(hardState.commit, provenCommit(storage, hardState.commit));
  const lastTerm = storage.term(storage.lastIndex()) ?? 0;
  // An entry of a term that the hard state does not know: this node never voted in it, or the vote would be there.
  if (lastTerm > hardState.term) return { hardState: { term: lastTerm, vote: nobody, commit }, confState };
  return { hardState: { ...hardState, commit }, confState };
}

/**
 * A leader proposes a change of membership only after the one before it was applied. So where the log holds two, the
 * first is committed; and a node that did not know it could campaign with the votes of a configuration two changes old,
 * whose majorities need not overlap with today's.
 */
function provenCommit(storage: Storage, commit: Index): Index {
  let proven = 0;
  let lastChange = 0;
  for (let low = Math.max(commit + 1, storage.firstIndex()); low <= storage.lastIndex(); ) {
    const entries = storage.entries(low, storage.lastIndex() + 1, 1024 * 1024);
    for (const entry of entries) {
      if (entry.type === EntryType.EntryNormal) continue;
      proven = lastChange;
      lastChange = entry.index;
    }
    low += entries.length;
  }
  return proven;
}
