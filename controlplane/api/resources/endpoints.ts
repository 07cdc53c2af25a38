import { Endpoints } from "../types/core/endpoints.ts";
import { EndpointSlice } from "../types/discovery.ts";
import { resource } from "./resource.ts";

export const endpoints = resource<Endpoints>(Endpoints, {
  plural: "endpoints",
  shortNames: ["ep"],
  scope: "Namespaced",
  storage: "services/endpoints",
  hash: "fWeeMqaN/OA=",
  strategy: { allowCreateOnUpdate: true },
});

export const endpointSlices = resource<EndpointSlice>(EndpointSlice, {
  plural: "endpointslices",
  scope: "Namespaced",
  hash: "qgS0xkrxYAI=",
  strategy: { tracksGeneration: true },
});
