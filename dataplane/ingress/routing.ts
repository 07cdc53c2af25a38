import type { EndpointSlice, Ingress, IngressBackend, IngressClass, Service } from "../../controlplane/api/mod.ts";
import { claims } from "./classes.ts";
import { type Endpoint, endpointsOf, serviceNameLabel, servicePortOf } from "./endpoints.ts";
import { HostTable } from "./host-table.ts";
import { PathRules } from "./path-rules.ts";

export interface Objects {
  readonly ingresses: readonly Ingress[];
  readonly classes: readonly IngressClass[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

/** Where a rule leads. */
export interface Backend {
  /** `namespace/service:port`, for logs. */
  readonly name: string;
  /** What endpoints speak: HTTP/1.1, or HTTP/2 without TLS where the port's appProtocol says so. */
  readonly protocol: "http1" | "h2c";
  /** Empty: there is nobody to answer now. */
  readonly endpoints: readonly Endpoint[];
  /** Why there never will be as things are: no such Service, no such port, a kind of backend that is not supported. */
  readonly problem: string | undefined;
}

/** A host's certificate, as an Ingress asks for it. */
export interface TlsRequest {
  readonly hosts: readonly string[];
  /** Namespace and name of the Secret. */
  readonly secretNamespace: string;
  readonly secretName: string;
}

interface HostRules {
  readonly paths: PathRules<Backend>;
  /** That of the oldest Ingress which names this host and has one. */
  defaultBackend: Backend | undefined;
}

/** An immutable answer to "where does this request go", made anew from the objects whenever they change. */
export class RoutingTable {
  /** The Ingresses that are carried out, the oldest first. */
  readonly ingresses: readonly Ingress[];
  /** In the order in which they win. */
  readonly tls: readonly TlsRequest[];
  readonly #hosts = new HostTable<HostRules>();
  #defaultBackend: Backend | undefined;

  constructor(objects: Objects, controllerName: string) {
    this.ingresses = objects.ingresses.filter(claims(controllerName, objects.classes)).sort(byAge);
    this.tls = this.ingresses.flatMap(({ metadata, spec }) =>
      (spec?.tls ?? []).flatMap(({ hosts = [], secretName }) =>
        secretName ? [{ hosts, secretName, secretNamespace: metadata.namespace ?? "" }] : [],
      ),
    );
    const resolve = resolver(objects);
    for (const ingress of this.ingresses) this.#add(ingress, resolve);
  }

  /**
   * `host` as `hostOf` makes it, `path` without query. Among the hosts that match, the most specific one with a matching path; then the
   * default backend of an Ingress that names the host; then that of the oldest Ingress that has one. Undefined: nobody wants it.
   */
  match(host: string, path: string): Backend | undefined {
    const hosts = [...this.#hosts.matching(host)];
    for (const { paths } of hosts) {
      const backend = paths.match(path);
      if (backend !== undefined) return backend;
    }
    return hosts.find((it) => it.defaultBackend !== undefined)?.defaultBackend ?? this.#defaultBackend;
  }

  #add({ metadata, spec }: Ingress, resolve: (namespace: string, backend: IngressBackend) => Backend): void {
    const namespace = metadata.namespace ?? "";
    const defaultBackend = spec?.defaultBackend && resolve(namespace, spec.defaultBackend);
    this.#defaultBackend ??= defaultBackend;
    for (const { host = "", http } of spec?.rules ?? []) {
      const rules = this.#hosts.at(host, () => ({ paths: new PathRules<Backend>(), defaultBackend: undefined }));
      rules.defaultBackend ??= defaultBackend;
      for (const { path, pathType, backend } of http?.paths ?? []) {
        // What ImplementationSpecific means is ours to say: Prefix.
        rules.paths.add(pathType === "Exact" ? "Exact" : "Prefix", path || "/", resolve(namespace, backend));
      }
    }
  }
}

/** Where two Ingresses contradict each other, the older one wins: nobody takes a path away by creating an Ingress. */
function byAge(a: Ingress, b: Ingress): number {
  const key = ({ metadata }: Ingress) => [
    metadata.creationTimestamp ?? "",
    metadata.namespace ?? "",
    metadata.name ?? "",
  ];
  const [left, right] = [key(a), key(b)];
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i]) return (left[i] as string) < (right[i] as string) ? -1 : 1;
  }
  return 0;
}

function nobody(name: string, problem: string): Backend {
  return { name, protocol: "http1", endpoints: [], problem };
}

function resolver({ services, slices }: Objects): (namespace: string, backend: IngressBackend) => Backend {
  const serviceByKey = new Map(services.map((it) => [`${it.metadata.namespace}/${it.metadata.name}`, it]));
  const slicesByService = Map.groupBy(
    slices,
    (it) => `${it.metadata.namespace}/${it.metadata.labels?.[serviceNameLabel]}`,
  );
  const resolved = new Map<string, Backend>();
  const make = (key: string, name: string, port: { name?: string; number?: number }): Backend => {
    const service = serviceByKey.get(key);
    if (service === undefined) return nobody(name, "there is no such Service");
    if (service.spec?.type === "ExternalName") return nobody(name, "Services of type ExternalName are not supported");
    const found = servicePortOf(service, port);
    if (found === undefined) return nobody(name, "the Service has no such TCP port");
    const protocol = found.appProtocol === "kubernetes.io/h2c" ? "h2c" : "http1";
    return { name, protocol, endpoints: endpointsOf(found, slicesByService.get(key) ?? []), problem: undefined };
  };
  return (namespace, { service, resource }) => {
    if (service === undefined) {
      const name = `${namespace}/${resource?.kind}/${resource?.name}`;
      return nobody(name, "backends other than Services are not supported");
    }
    const key = `${namespace}/${service.name}`;
    const port = service.port ?? {};
    const name = `${key}:${port.name || port.number}`;
    let backend = resolved.get(name);
    if (backend === undefined) {
      backend = make(key, name, port);
      resolved.set(name, backend);
    }
    return backend;
  };
}
