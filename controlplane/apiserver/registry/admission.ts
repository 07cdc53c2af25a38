import type { KubeObject } from "../../api/mod.ts";
import type { Claim, WriteContext } from "./hooks.ts";
import type { Served } from "./served.ts";

/** A write on its way, as admission sees it. */
export interface AdmissionRequest extends WriteContext {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly served: Served;
  /** "" for the object itself. */
  readonly subresource: string;
  /** "" in cluster scope. */
  readonly namespace: string;
  readonly name: string;
  /** What is to be written, or the body sent to a subresource; a deletion has none. */
  readonly object?: KubeObject;
  /** What is there now; a creation has none. */
  readonly old?: KubeObject;
}

/** Amends and refuses writes before they are made. Refuses by throwing a StatusError. */
export interface Admission {
  /** Before preparation and validation: may change `object`. */
  admit(request: AdmissionRequest): Promise<void>;
  /** On the object as it would be stored. Answers with what was charged for it, to be given back if the write fails. */
  validate(request: AdmissionRequest): Promise<Claim | undefined>;
}
