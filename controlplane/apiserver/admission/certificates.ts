import { type CertificateSigningRequest, equalJson, fromBase64, type KubeObject, status } from "../../api/mod.ts";
import { requestedSubject } from "../auth/certificate-request.ts";
import type { Authorizer } from "../auth/rbac.ts";
import type { User } from "../auth/user.ts";
import { fail } from "../fail.ts";
import type { AdmissionRequest } from "../registry/admission.ts";
import { type AdmissionPlugin, isAbout, refuse } from "./plugin.ts";

const GROUP = "certificates.k8s.io";
const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";

/** Who asks for a certificate is written into the request by the server: approvers rely on it. Later nothing of it changes. */
export const certificateRequestor: AdmissionPlugin = {
  name: "CertificateRequestor",
  admit(request) {
    if (!isAbout(request, "certificatesigningrequests", GROUP)) return;
    const { operation, object, old, user } = request;
    const csr = object as Csr;
    if (operation === "UPDATE") csr.spec = structuredClone((old as Csr).spec);
    if (operation !== "CREATE") return;
    const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec } = csr.spec;
    csr.spec = {
      ...spec,
      username: user.name,
      ...(user.uid && { uid: user.uid }),
      groups: [...user.groups],
      ...(user.extra && { extra: structuredClone(user.extra) as Record<string, string[]> }),
    };
  },
};

/** Who approves or denies requests must be allowed to `approve` for their signer. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateApproval",
    validate(request) {
      if (!isUpdateOf(request, "approval")) return;
      const { signerName } = (request.old as Csr).spec;
      if (!maySign(authorizer, request.user, "approve", signerName))
        refuse(request, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
    },
  };
}

/** Who issues certificates, or declares that it failed, must be allowed to `sign` for the signer. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateSigning",
    validate(request) {
      if (!isUpdateOf(request, "status")) return;
      const [next, old] = [request.object as Csr, request.old as Csr];
      if (equalJson(next.status ?? {}, old.status ?? {})) return;
      const { signerName } = old.spec;
      if (!maySign(authorizer, request.user, "sign", signerName))
        refuse(request, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
    },
  };
}

/** A request is one, and signed by its sender; no certificate of a client makes its bearer a master of the cluster. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  async validate(request) {
    if (request.operation !== "CREATE" || !isAbout(request, "certificatesigningrequests", GROUP)) return;
    const { spec } = request.object as Csr;
    const subject = await requestedSubject(fromBase64(spec.request));
    if (!subject.ok) {
      const message = `Invalid value: ${JSON.stringify(spec.request)}: ${subject.error}`;
      const errors = [{ type: "FieldValueInvalid", field: "spec.request", message }] as const;
      return fail(status.invalid({ group: GROUP, kind: "CertificateSigningRequest" }, request.name, errors));
    }
    if (spec.signerName === CLIENT_SIGNER && subject.organizations.includes("system:masters"))
      refuse(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
  },
};

type Csr = CertificateSigningRequest & KubeObject;

function isUpdateOf({ operation, served, subresource }: AdmissionRequest, asked: string): boolean {
  const { group, resource } = served.names;
  return (
    operation === "UPDATE" && group === GROUP && resource === "certificatesigningrequests" && subresource === asked
  );
}

/** A permission names the signer, or all signers of its domain: `example.com/*`. */
function maySign(authorizer: Authorizer, user: User, verb: string, signerName: string): boolean {
  const asked = { kind: "resource", user, verb, group: GROUP, resource: "signers", subresource: "", namespace: "" };
  const wildcard = `${signerName.split("/")[0]}/*`;
  return [signerName, wildcard].some((name) => authorizer.authorize({ ...asked, kind: "resource", name }).allowed);
}
