import type { KeyValue } from "../../proto/mod.ts";

export interface ModelVersion {
  readonly key: string;
  readonly value: string;
  readonly created: number;
  readonly mod: number;
  readonly version: number;
  readonly deleted: boolean;
}

/** A store as simple as can be: the list of all versions, searched from the end. */
export class Model {
  readonly versions: ModelVersion[] = [];
  revision = 1;
  compactRevision = -1;
  #wrote = false;

  get(key: string, at = this.revision + 1): ModelVersion | undefined {
    const last = this.versions.findLast((version) => version.key === key && version.mod <= at);
    return last === undefined || last.deleted ? undefined : last;
  }

  range(from: string, to: string, at = this.revision + 1): ModelVersion[] {
    const keys = [...new Set(this.versions.map(({ key }) => key))].filter((key) => key >= from && key < to).sort();
    return keys.flatMap((key) => this.get(key, at) ?? []);
  }

  put(key: string, value: string): void {
    const before = this.get(key);
    const mod = this.revision + 1;
    this.versions.push({
      key,
      value,
      created: before?.created ?? mod,
      mod,
      version: (before?.version ?? 0) + 1,
      deleted: false,
    });
    this.#wrote = true;
  }

  deleteRange(from: string, to: string): number {
    const found = this.range(from, to);
    const mod = this.revision + 1;
    for (const { key } of found) this.versions.push({ key, value: "", created: 0, mod, version: 0, deleted: true });
    this.#wrote ||= found.length > 0;
    return found.length;
  }

  /** Everything since the last call becomes a revision. */
  commit(): void {
    if (this.#wrote) this.revision++;
    this.#wrote = false;
  }
}

export function asModel({ key, value, createRevision, modRevision, version }: KeyValue): ModelVersion {
  return {
    key: Buffer.from(key).toString("latin1"),
    value: Buffer.from(value).toString("latin1"),
    created: createRevision,
    mod: modRevision,
    version,
    deleted: false,
  };
}
