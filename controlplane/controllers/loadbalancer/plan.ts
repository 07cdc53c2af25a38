import type { Service } from "../../api/mod.ts";
import { keyOf } from "../../client/mod.ts";
import type { AddressPool } from "./address-pool.ts";

/** Holds back the deletion of a Service until its address is given back. */
export const cleanupFinalizer = "service.kubernetes.io/load-balancer-cleanup";
/** The class by which a Service can ask for this pool; without a class it gets it too. */
export const ownClass = "flotilla.dev/pool";

export type Plan =
  | { readonly do: "nothing" }
  | { readonly do: "assign"; readonly ip: string }
  | { readonly do: "release" }
  /** It wants an address and cannot have one now. */
  | { readonly do: "fail"; readonly why: string };

export function wantsAddress({ metadata, spec }: Service): boolean {
  if (spec.type !== "LoadBalancer" || metadata.deletionTimestamp !== undefined) return false;
  return spec.loadBalancerClass === undefined || spec.loadBalancerClass === ownClass;
}

function addressesOf({ status }: Service): string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
}

/**
 * Which address the Service should have. There is no other record of what is given than the Services themselves, so it survives
 * whoever gives. Of two that claim one address, the older keeps it.
 */
export function plan(service: Service, all: readonly Service[], pool: AddressPool): Plan {
  const own = addressesOf(service);
  if (!wantsAddress(service)) {
    const ours = service.metadata.finalizers?.includes(cleanupFinalizer) === true;
    return { do: ours ? "release" : "nothing" };
  }
  const holders = new Map<string, Service>();
  for (const other of all) {
    if (keyOf(other) === keyOf(service)) continue;
    for (const ip of addressesOf(other)) {
      const known = holders.get(ip);
      if (known === undefined || older(other, known)) holders.set(ip, other);
    }
  }
  const asked = service.spec.loadBalancerIP || undefined;
  if (asked !== undefined && !pool.contains(asked))
    return { do: "fail", why: `requested address ${asked} is not in the pool ${pool.cidr}` };
  const [current] = own;
  const holder = holders.get(asked ?? current ?? "");
  const mayKeep = current !== undefined && pool.contains(current) && (holder === undefined || older(service, holder));
  if (mayKeep && (asked === undefined || asked === current)) return { do: "assign", ip: current };
  if (asked !== undefined) {
    if (holder === undefined) return { do: "assign", ip: asked };
    return { do: "fail", why: `requested address ${asked} is in use by ${keyOf(holder)}` };
  }
  const ip = pool.next(new Set(holders.keys()));
  return ip === undefined ? { do: "fail", why: `no address is left in the pool ${pool.cidr}` } : { do: "assign", ip };
}

function older(a: Service, b: Service): boolean {
  const [x = "", y = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return x < y || (x === y && keyOf(a) < keyOf(b));
}
