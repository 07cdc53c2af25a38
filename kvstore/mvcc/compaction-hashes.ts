import type { HashOfRevision } from "./hash.ts";

/** As many as etcd remembers. */
const remembered = 10;

/** HashKV at revisions up to which the store was compacted, once it was asked for there: members are compared at these, and when the next
 * compaction has passed, it cannot be computed any more. */
export class CompactionHashes {
  #hashes: HashOfRevision[] = [];

  find(revision: number): HashOfRevision | undefined {
    return this.#hashes.find(({ hashRevision }) => hashRevision === revision);
  }

  add(hash: HashOfRevision): void {
    const { hashRevision, compactRevision } = hash;
    const isCompaction = hashRevision > 0 && hashRevision === compactRevision;
    if (!isCompaction || this.find(hashRevision) !== undefined) return;
    this.#hashes = [...this.#hashes, hash].slice(-remembered);
  }
}
