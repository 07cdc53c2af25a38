import type { CertificateSigningRequest } from "../types/certificates.ts";
import { ageColumn, type Column, column, nameColumn, none } from "./column.ts";
import { humanDuration } from "./duration.ts";

export const certificateSigningRequestColumns: readonly Column<CertificateSigningRequest>[] = [
  nameColumn,
  ageColumn,
  column("SignerName", "Who should sign it.", ({ spec }) => spec.signerName),
  column("Requestor", "Who asks for it.", ({ spec }) => spec.username ?? ""),
  column("RequestedDuration", "How long it should be valid.", ({ spec: { expirationSeconds: seconds } }) => {
    return seconds === undefined ? none : humanDuration(seconds * 1000);
  }),
  column("Condition", "What was decided, and done.", condition),
];

function condition({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some((c) => c.type === type) ?? false;
  const decided = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return decided + (has("Failed") ? ",Failed" : "") + (status?.certificate ? ",Issued" : "");
}
