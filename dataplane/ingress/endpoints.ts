import { assert } from "../../base/mod.ts";
import type { EndpointSlice, Service, ServiceBackendPort, ServicePort } from "../../controlplane/api/mod.ts";

/** Where a request may go. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export const serviceNameLabel = "kubernetes.io/service-name";

export function endpointId({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}

/** Undefined when the Service has no such port, or it is not one of TCP. */
export function servicePortOf(service: Service, port: ServiceBackendPort): ServicePort | undefined {
  const wanted = service.spec?.ports?.find((it) => (port.name ? it.name === port.name : it.port === port.number));
  return (wanted?.protocol ?? "TCP") === "TCP" ? wanted : undefined;
}

/**
 * The endpoints of one port of a Service: the ready ones; when none is, those that still serve while they terminate (KEP-1669). In the
 * order of their ids.
 */
export function endpointsOf(wanted: ServicePort, slices: readonly EndpointSlice[]): readonly Endpoint[] {
  const ready = new Map<string, Endpoint>();
  const serving = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    for (const { name, protocol, port: number } of slice.ports ?? []) {
      if ((name ?? "") !== (wanted.name ?? "") || (protocol ?? "TCP") !== "TCP" || !number) continue;
      for (const { addresses, conditions } of slice.endpoints ?? []) {
        const [address] = addresses;
        if (address === undefined) continue;
        const endpoint = { address, port: number };
        if (conditions?.ready !== false) ready.set(endpointId(endpoint), endpoint);
        else if (conditions.serving && conditions.terminating) serving.set(endpointId(endpoint), endpoint);
      }
    }
  }
  const chosen = ready.size > 0 ? ready : serving;
  return [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/** Spreads requests: each goes to an endpoint with the fewest under way, in turn among equals. */
export class Balancer {
  /** Requests under way; endpoints without any are not in it. */
  readonly #outstanding = new Map<string, number>();
  #turn = 0;

  /**
   * One of those not in `tried`; of all, when all are: a connection that broke may have been old, and the endpoint well. What is picked must be
   * given back by `release`.
   */
  pick(endpoints: readonly Endpoint[], tried: ReadonlySet<string> = new Set()): Endpoint {
    assert(endpoints.length > 0, "somebody is there to be picked");
    const untried = tried.size === 0 ? endpoints : endpoints.filter((it) => !tried.has(endpointId(it)));
    const candidates = untried.length > 0 ? untried : endpoints;
    const start = this.#turn++;
    let best = candidates[start % candidates.length] as Endpoint;
    let fewest = this.outstanding(best);
    for (let i = 1; i < candidates.length; i++) {
      const endpoint = candidates[(start + i) % candidates.length] as Endpoint;
      const outstanding = this.outstanding(endpoint);
      if (outstanding < fewest) [best, fewest] = [endpoint, outstanding];
    }
    this.#outstanding.set(endpointId(best), fewest + 1);
    return best;
  }

  release(endpoint: Endpoint): void {
    const left = this.outstanding(endpoint) - 1;
    if (left > 0) this.#outstanding.set(endpointId(endpoint), left);
    else this.#outstanding.delete(endpointId(endpoint));
  }

  outstanding(endpoint: Endpoint): number {
    return this.#outstanding.get(endpointId(endpoint)) ?? 0;
  }
}
