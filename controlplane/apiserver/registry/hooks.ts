import type { KubeObject } from "../../api/mod.ts";
import type { User } from "../auth/user.ts";

/** Who writes, and how. */
export interface WriteContext {
  readonly user: User;
  /** Everything but the write itself. */
  readonly dryRun: boolean;
  warn(text: string): void;
}

/** What a write took outside of its object. */
export interface Claim {
  /** The write did not happen. */
  undo(): Promise<void>;
  /** It did. */
  settle(): Promise<void>;
}

/** What the server does in the life of a kind beyond its declaration. All hooks refuse by throwing a StatusError. */
export interface Hooks {
  /** After validation, before the write. Changes `next`; `old` is undefined for a creation. */
  claim?(next: KubeObject, old: KubeObject | undefined, context: WriteContext): Promise<Claim>;
  afterDelete?(old: KubeObject): Promise<void>;
  /** Seconds an object has to go away; 0 or absent: it goes at once. Decided anew for each DELETE. */
  gracePeriod?(old: KubeObject, asked: number | undefined): number;
  /** Whether anything but metadata.finalizers and grace keeps a deleted object from vanishing. */
  isHeld?(object: KubeObject): boolean;
  /** What the announcement of a deletion changes beside the metadata. Changes `next`. */
  announceDeletion?(next: KubeObject): void;
  /** The answer to DELETE is the object even when it is gone at once. */
  readonly returnsDeleted?: true;
}
