import type { Ingress, IngressClass } from "../../controlplane/api/mod.ts";
import type { Client, ClusterResourceClient, ResourceClient } from "../../controlplane/client/mod.ts";

const group = { group: "networking.k8s.io", version: "v1" };

export function ingressesOf(client: Client): ResourceClient<Ingress> {
  return client.resource({ ...group, plural: "ingresses", kind: "Ingress", namespaced: true });
}

export function ingressClassesOf(client: Client): ClusterResourceClient<IngressClass> {
  return client.clusterResource({ ...group, plural: "ingressclasses", kind: "IngressClass", namespaced: false });
}
