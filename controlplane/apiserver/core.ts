import type { Random } from "../../base/mod.ts";
import { metricsResources, type Resource, servedResources } from "../api/mod.ts";
import { AdmissionChain } from "./admission/chain.ts";
import { EscalationGuard } from "./admission/escalation.ts";
import { hooksFor } from "./admission/hooks.ts";
import { admissionPlugins } from "./admission/plugins.ts";
import type { AddressRange, PortRange } from "./allocate/service-range.ts";
import { ServiceAllocator } from "./allocate/services.ts";
import { Authenticator, type TokenBindings } from "./auth/authenticate.ts";
import { nodeRules } from "./auth/bootstrap-policy.ts";
import { NodeAuthorizer } from "./auth/node-authorizer.ts";
import { NodeIndex } from "./auth/node-index.ts";
import { CachedPolicy } from "./auth/policy-source.ts";
import { type Authorizer, RbacAuthorizer } from "./auth/rbac.ts";
import type { TokenSigner } from "./auth/tokens.ts";
import { UnionAuthorizer } from "./auth/union.ts";
import { ResourceHandlers } from "./handlers/resources.ts";
import { metricsHandlers } from "./metrics-api/metrics-api.ts";
import { Scraper } from "./metrics-api/scraper.ts";
import { Deleter } from "./registry/deleter.ts";
import { Registry, type RegistryOptions } from "./registry/served.ts";
import { Writer } from "./registry/writer.ts";
import { questionHandlers } from "./reviews/questions.ts";
import type { KubeletOptions } from "./subresources/ask-kubelet.ts";
import { subresourceHandlers } from "./subresources/subresources.ts";

export interface CoreOptions extends Omit<RegistryOptions, "resources"> {
  readonly random: Random;
  readonly addresses: AddressRange;
  readonly ports: PortRange;
  readonly signer: TokenSigner;
  readonly kubelet: KubeletOptions | undefined;
  readonly resources?: readonly Resource[];
  /** Minor version of Kubernetes this server behaves as. Default 33. */
  readonly minor?: number;
  readonly disabledPlugins?: readonly string[];
}

/** The server without its network: what is served, who may, and how it is read and written. */
export interface Core {
  readonly registry: Registry;
  /** What authorization looks at; `start` fills it. */
  readonly policy: { start(): Promise<void> };
  readonly rbac: RbacAuthorizer;
  readonly authorizer: Authorizer;
  readonly authenticator: Authenticator;
  readonly services: ServiceAllocator;
  readonly writer: Writer;
  readonly deleter: Deleter;
  readonly resources: ResourceHandlers;
}

export function createCore(options: CoreOptions): Core {
  const {
    store,
    clock,
    log,
    random,
    addresses,
    ports,
    signer,
    kubelet,
    resources = servedResources,
    minor = 33,
  } = options;
  const { disabledPlugins: disabled = [] } = options;
  const now = () => clock.now();
  const registry = new Registry({ store, clock, log, resources });
  const roles = new CachedPolicy(registry);
  const nodes = new NodeIndex(registry);
  const policy = { start: async () => void (await Promise.all([roles.start(), nodes.start()])) };
  const rbac = new RbacAuthorizer(roles);
  const authorizer = new UnionAuthorizer([new NodeAuthorizer(nodes, nodeRules), rbac]);
  const services = new ServiceAllocator({ store, addresses, ports, random });
  const hooksOf = hooksFor(services);
  const escalation = new EscalationGuard(rbac);
  const admission = new AdmissionChain(
    admissionPlugins({ registry, authorizer, escalation, clock, random, minor, disabled }),
  );
  const writer = new Writer({ clock, random, hooksOf, admission });
  const deleter = new Deleter({ clock, hooksOf, admission });
  const bindings = tokenBindings(registry);
  const authenticator = new Authenticator({ tokens: signer, bindings, now });
  const tokens = { signer, bindings, now };
  const handlers = new ResourceHandlers({
    resources: [...resources, ...metricsResources],
    registry,
    writer,
    deleter,
    hooksOf,
    questions: {
      ...questionHandlers({ authorizer, authenticator, registry, writer, issuer: signer.issuer, now }),
      ...metricsHandlers(registry, new Scraper(kubelet, clock, log), now),
    },
    subresources: subresourceHandlers({ registry, writer, deleter, admission, kubelet, now, tokens, random }),
  });
  return { registry, policy, rbac, authorizer, authenticator, services, writer, deleter, resources: handlers };
}

function tokenBindings(registry: Registry): TokenBindings {
  return {
    find: async (resource, namespace, name) => {
      const served = registry.need("", "v1", resource);
      const key = served.key(namespace, name);
      return served.cache.get(key) ?? (await served.objects.get(key));
    },
  };
}
