import { certificateSigningRequestColumns } from "../printers/certificates.ts";
import { CertificateSigningRequest } from "../types/certificates.ts";
import { validateCertificateSigningRequest } from "../validation/certificates.ts";
import { readAndWrite, resource } from "./resource.ts";

const { gvk } = CertificateSigningRequest;

export const certificateSigningRequests = resource<CertificateSigningRequest>(CertificateSigningRequest, {
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  scope: "Cluster",
  status: true,
  subresources: [{ name: "approval", gvk, schema: CertificateSigningRequest, verbs: readAndWrite }],
  hash: "95fRKMXA+00=",
  columns: certificateSigningRequestColumns,
  strategy: { validateCreate: validateCertificateSigningRequest },
  selectableFields: { "spec.signerName": (request) => request.spec.signerName },
});
