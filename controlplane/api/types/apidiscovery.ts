/** Aggregated discovery: everything the server serves in one document (apidiscovery.k8s.io/v2). */
export interface APIGroupDiscoveryList {
  apiVersion: "apidiscovery.k8s.io/v2";
  kind: "APIGroupDiscoveryList";
  metadata: Record<string, never>;
  items: APIGroupDiscovery[];
}

export interface APIGroupDiscovery {
  /** The core group has no name. */
  metadata: { name?: string };
  versions: APIVersionDiscovery[];
}

export interface APIVersionDiscovery {
  version: string;
  resources: APIResourceDiscovery[];
  freshness: "Current" | "Stale";
}

export interface ResponseKind {
  group: string;
  version: string;
  kind: string;
}

export interface APIResourceDiscovery {
  resource: string;
  responseKind: ResponseKind;
  scope: "Cluster" | "Namespaced";
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: APISubresourceDiscovery[];
}

export interface APISubresourceDiscovery {
  subresource: string;
  responseKind?: ResponseKind;
  verbs: string[];
}
