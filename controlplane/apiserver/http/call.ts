import type { IncomingHttpHeaders } from "node:http";
import type { UpgradeRequest } from "../../../streaming/mod.ts";
import type { User } from "../auth/user.ts";
import type { AnyRequest } from "./listener.ts";
import type { ResourceInfo } from "./request-info.ts";

/** One request, authenticated and authorized, as handlers see it. */
export interface Call {
  readonly info: ResourceInfo;
  readonly user: User;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Fires when the client goes away and when the server stops. */
  readonly signal: AbortSignal;
  /** What the request came on, for handlers that pass it on. Absent where there is no connection. */
  readonly connection?: {
    readonly request: AnyRequest;
    /** The client asks to leave HTTP. */
    readonly upgrade: UpgradeRequest | undefined;
  };
  /** The whole body. Fails the request with 413 when it is too large. */
  body(): Promise<Buffer>;
  /** Is told what the body says, whatever it was written in: for the audit log, before anybody changes it. */
  decoded?(object: Readonly<Record<string, unknown>>): void;
  /** Tells the client something that is not an error; kubectl prints it. */
  warn(text: string): void;
}
