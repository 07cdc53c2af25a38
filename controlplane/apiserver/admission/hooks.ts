import type { KubeObject, Namespace, Pod, Service } from "../../api/mod.ts";
import { status } from "../../api/mod.ts";
import type { ServiceAllocator } from "../allocate/services.ts";
import { fail } from "../fail.ts";
import type { Claim, Hooks, WriteContext } from "../registry/hooks.ts";
import type { Served } from "../registry/served.ts";
import { podGracePeriod } from "./pods.ts";

/** What the life of a kind has beyond its declaration, by plural. */
export function hooksFor(services: ServiceAllocator): (served: Served) => Hooks {
  const special: Readonly<Record<string, Hooks>> = {
    pods: {
      gracePeriod: (pod, asked) => podGracePeriod(pod as Pod & KubeObject, asked),
      returnsDeleted: true,
    },
    services: {
      claim: (next, old, context) => claimForService(services, next as Service, old as Service | undefined, context),
      afterDelete: (old) => services.giveBack(services.noLongerUsed(old as Service, undefined), false),
      returnsDeleted: true,
    },
    serviceaccounts: { returnsDeleted: true },
    namespaces: {
      isHeld: (namespace) => ((namespace as Namespace).spec?.finalizers?.length ?? 0) > 0,
      announceDeletion: (namespace) => {
        (namespace as Namespace).status = { ...(namespace as Namespace).status, phase: "Terminating" };
      },
      returnsDeleted: true,
    },
    persistentvolumes: { returnsDeleted: true },
    persistentvolumeclaims: { returnsDeleted: true },
  };
  const others: Hooks = {};
  return ({ resource }) => special[resource.plural] ?? others;
}

async function claimForService(
  services: ServiceAllocator,
  next: Service,
  old: Service | undefined,
  { dryRun }: WriteContext,
): Promise<Claim> {
  const reserved = await services.reserve(next, old, dryRun);
  if (!reserved.ok) fail(status.invalid({ group: "", kind: "Service" }, next.metadata.name, reserved.errors));
  const { reservation } = reserved;
  return {
    undo: () => services.giveBack(reservation, dryRun),
    settle: async () => {
      if (old !== undefined) await services.giveBack(services.noLongerUsed(old, next), dryRun);
    },
  };
}
