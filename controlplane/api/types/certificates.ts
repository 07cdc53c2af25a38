import {
  always,
  atomic,
  bytes,
  explicit,
  given,
  int32,
  keyed,
  list,
  map,
  one,
  oneOf,
  packageOf,
  required,
  string,
  strings,
  time,
} from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.certificates.v1", "certificates.k8s.io", "v1");

export const CertificateSigningRequestSpec = message("CertificateSigningRequestSpec", {
  request: required(bytes(1)),
  signerName: required(string(7)),
  expirationSeconds: int32(8, explicit),
  usages: list(5, string, atomic),
  username: string(2),
  uid: string(3),
  groups: list(4, string, atomic),
  extra: map(6, strings),
});
export interface CertificateSigningRequestSpec extends Infer<typeof CertificateSigningRequestSpec> {}

export const CertificateSigningRequestCondition = message("CertificateSigningRequestCondition", {
  type: required(string(1)),
  status: required(oneOf(6, ["True", "False", "Unknown"])),
  reason: string(2),
  message: string(3),
  lastUpdateTime: time(4),
  lastTransitionTime: time(5),
});
export interface CertificateSigningRequestCondition extends Infer<typeof CertificateSigningRequestCondition> {}

export const CertificateSigningRequestStatus = message("CertificateSigningRequestStatus", {
  conditions: list<CertificateSigningRequestCondition>(1, CertificateSigningRequestCondition, keyed("type")),
  certificate: bytes(2),
});
export interface CertificateSigningRequestStatus extends Infer<typeof CertificateSigningRequestStatus> {}

export const CertificateSigningRequest = kind("CertificateSigningRequest", "Asks a signer for an X.509 certificate.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<CertificateSigningRequestSpec>(2, CertificateSigningRequestSpec, always)),
  status: one<CertificateSigningRequestStatus>(3, CertificateSigningRequestStatus, always),
});
export interface CertificateSigningRequest extends Infer<typeof CertificateSigningRequest> {}

export const CertificateSigningRequestList = listOf<CertificateSigningRequest>(CertificateSigningRequest);
export interface CertificateSigningRequestList extends Infer<typeof CertificateSigningRequestList> {}
