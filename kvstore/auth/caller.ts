import type { RequestHeader } from "../../proto/mod.ts";

/** Who asks, and as of which revision of users and roles that was established. */
export interface Caller {
  readonly username: string;
  readonly authRevision: number;
}

/** Nobody has said who they are. */
export const nobody: Caller = { username: "", authRevision: 0 };

/** Who proposed an entry. */
export function callerOfEntry(header: RequestHeader | undefined): Caller {
  return header ?? nobody;
}

/** What a call says about its caller. */
export interface Credentials {
  metadata(key: string): string | undefined;
  readonly peer: { readonly certificate: { readonly commonName: string } | undefined };
}

/** Under the name that gRPC clients use, or that of HTTP. */
export function tokenOf(call: Pick<Credentials, "metadata">): string | undefined {
  return (call.metadata("token") ?? call.metadata("authorization"))?.replace(/^Bearer /, "");
}

/** The name in the client's certificate. A gateway calls with a certificate of its own, which says nothing of whom it calls for. */
export function certifiedName(call: Credentials): string | undefined {
  return call.metadata("grpcgateway-accept") === undefined ? call.peer.certificate?.commonName : undefined;
}
