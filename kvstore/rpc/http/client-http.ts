import type { RequestListener } from "node:http";
import type { Member } from "../../server/member.ts";
import { defaults } from "../../server/options.ts";
import { Gateway } from "../gateway/gateway.ts";
import { createGrpcServer, type GrpcServer } from "../grpc/mod.ts";
import { clientHttp, clientUpgrade, metricsHttp, type Upgrade } from "./handler.ts";
import { Health } from "./health.ts";

export interface ClientHttpOptions {
  readonly member: Member;
  /** The server of the client port. */
  readonly server: () => GrpcServer;
  /** All metrics as text. */
  readonly metrics: () => string;
}

/** Plain HTTP for clients: on the client port, or on ports of its own; and the ports for monitoring. */
export class ClientHttp {
  /** For the client port. */
  readonly http1: RequestListener;
  readonly upgrade: Upgrade | undefined;
  readonly #member: Member;
  readonly #gateway: Gateway | undefined;
  readonly #apart: { readonly urls: readonly string[]; readonly server: GrpcServer }[] = [];

  constructor({ member, server, metrics }: ClientHttpOptions) {
    this.#member = member;
    const { http = {}, maxRequestBytes = defaults.maxRequestBytes } = member.options;
    const { listenUrls = [], metricsUrls = [], gateway = true, profiles = false } = http;
    this.#gateway = gateway
      ? new Gateway({ server, maxRequestBytes, certificatesName: () => member.auth.certificatesName, log: member.log })
      : undefined;
    const health = new Health(member, member.metrics);
    const parts = { member, health, metrics, access: http, gateway: this.#gateway, profiles };
    const [http1, upgrade] = [clientHttp(parts), clientUpgrade(parts)];
    if (metricsUrls.length > 0) this.#serveApart(metricsUrls, metricsHttp(parts));
    if (listenUrls.length > 0) {
      this.#serveApart(listenUrls, http1, upgrade);
      // The client port is gRPC's alone.
      this.http1 = ({ socket }) => socket.destroy();
    } else {
      this.http1 = http1;
      this.upgrade = upgrade;
    }
  }

  /** Opens the ports apart from the client port, with `listen`. */
  async open(listen: (server: GrpcServer, url: string) => Promise<unknown>): Promise<void> {
    for (const { urls, server } of this.#apart) for (const url of urls) await listen(server, url);
  }

  async stop(): Promise<void> {
    this.#gateway?.stop();
    await Promise.all(this.#apart.map(({ server }) => server.stop()));
  }

  /** A gRPC server without services: it knows HTTP/1.1, HTTP/2 and TLS. */
  #serveApart(urls: readonly string[], http1: RequestListener, upgrade?: Upgrade): void {
    const { clock, log } = this.#member;
    this.#apart.push({ urls, server: createGrpcServer({ services: [], http1, upgrade, clock, log }) });
  }
}
