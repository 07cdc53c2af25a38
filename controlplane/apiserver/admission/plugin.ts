import { status } from "../../api/mod.ts";
import { fail } from "../fail.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import type { Claim } from "../registry/hooks.ts";

/** One rule of admission, under the name it has in kube-apiserver. */
export interface AdmissionPlugin {
  readonly name: string;
  /** May change the object. */
  admit?(request: AdmissionRequest): Promise<void> | void;
  /** Sees the object as it would be stored, and changes nothing in it. */
  validate?(request: AdmissionRequest): Promise<void> | void;
  /** When nobody refused: takes what the write costs, to be given back if it fails after all. */
  charge?(request: AdmissionRequest): Promise<Claim | undefined>;
}

/** The answer 403, in the words of admission: `pods "x" is forbidden: WHY`. */
export function refuse(request: Pick<AdmissionRequest, "served" | "name">, why: string): never {
  return fail(status.forbidden(request.served.names, request.name, why));
}

/** Whether this is about objects of a resource themselves, not their subresources. */
export function isAbout({ served, subresource }: AdmissionRequest, plural: string, group = ""): boolean {
  return subresource === "" && served.names.resource === plural && served.names.group === group;
}
