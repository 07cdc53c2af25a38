import type { Clock, Random } from "../../../base/mod.ts";
import type { KubeObject, Namespace, Pod, Service } from "../../api/mod.ts";
import { status } from "../../api/mod.ts";
import type { ServiceAllocator } from "../allocate/services.ts";
import { fail } from "../fail.ts";
import type { Claim, Hooks, WriteContext } from "../registry/hooks.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { EscalationGuard } from "./escalation.ts";
import { refuseImmortal, requireNamespace } from "./namespace-lifecycle.ts";
import { defaultPriority, defaultTolerations, podGracePeriod } from "./pods.ts";
import { admitServiceAccount } from "./service-account.ts";

export interface HooksOptions {
  readonly registry: Registry;
  readonly services: ServiceAllocator;
  readonly escalation: EscalationGuard;
  readonly clock: Clock;
  readonly random: Random;
}

/** What each kind needs beyond its declaration, by plural. */
export function hooksFor({ registry, services, escalation, clock, random }: HooksOptions): (served: Served) => Hooks {
  const namespaces = registry.need("", "v1", "namespaces");
  const accounts = registry.need("", "v1", "serviceaccounts");
  const inNamespace = (object: KubeObject, _context: WriteContext, served: Served) =>
    requireNamespace(namespaces, object, served);

  const roles: Hooks = {
    admitCreate: async (role, { user }, served) => {
      await requireNamespace(namespaces, role, served);
      escalation.checkRole(served.names, role, user);
    },
    admitUpdate: (role, _old, { user }, served) => escalation.checkRole(served.names, role, user),
  };
  const bindings: Hooks = {
    admitCreate: async (binding, { user }, served) => {
      await requireNamespace(namespaces, binding, served);
      escalation.checkBinding(served.names, binding, user);
    },
    admitUpdate: (binding, _old, { user }, served) => escalation.checkBinding(served.names, binding, user),
  };
  const special: Readonly<Record<string, Hooks>> = {
    pods: {
      admitCreate: async (object, _context, served) => {
        await requireNamespace(namespaces, object, served);
        const pod = object as Pod & KubeObject;
        await admitServiceAccount(pod, accounts, clock, random);
        defaultPriority(pod);
        defaultTolerations(pod);
      },
      gracePeriod: (pod, asked) => podGracePeriod(pod as Pod & KubeObject, asked),
      returnsDeleted: true,
    },
    services: {
      admitCreate: inNamespace,
      claim: (next, old, context) => claimForService(services, next as Service, old as Service | undefined, context),
      afterDelete: (old) => services.giveBack(services.noLongerUsed(old as Service, undefined), false),
      returnsDeleted: true,
    },
    serviceaccounts: { admitCreate: inNamespace, returnsDeleted: true },
    namespaces: {
      admitDelete: (namespace) => refuseImmortal(namespaces, namespace),
      isHeld: (namespace) => ((namespace as Namespace).spec?.finalizers?.length ?? 0) > 0,
      announceDeletion: (namespace) => {
        (namespace as Namespace).status = { ...(namespace as Namespace).status, phase: "Terminating" };
      },
      returnsDeleted: true,
    },
    roles,
    clusterroles: roles,
    rolebindings: bindings,
    clusterrolebindings: bindings,
  };
  const others: Hooks = { admitCreate: inNamespace };
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
