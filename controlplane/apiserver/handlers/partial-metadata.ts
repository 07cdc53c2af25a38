import type { KubeObject, PartialObjectMetadata, PartialObjectMetadataList } from "../../api/mod.ts";
import type { ListMetadata } from "./encode.ts";

export function partialMetadata({ metadata }: KubeObject): PartialObjectMetadata {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}

export function partialMetadataList(items: readonly KubeObject[], metadata: ListMetadata): PartialObjectMetadataList {
  return {
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    items: items.map(partialMetadata),
  };
}
