import { defaultEndpointSlice, defaultEndpoints } from "../defaults/core.ts";
import { endpointSliceColumns, endpointsColumns } from "../printers/network.ts";
import { equalJson } from "../schema/equal.ts";
import { Endpoints } from "../types/core/endpoints.ts";
import { EndpointSlice } from "../types/discovery.ts";
import { validateEndpointSlice, validateEndpointSliceUpdate, validateEndpoints } from "../validation/endpoints.ts";
import { resource } from "./resource.ts";

export const endpoints = resource<Endpoints>(Endpoints, {
  plural: "endpoints",
  shortNames: ["ep"],
  scope: "Namespaced",
  storage: "services/endpoints",
  hash: "fWeeMqaN/OA=",
  columns: endpointsColumns,
  strategy: { defaults: defaultEndpoints, validate: validateEndpoints, allowCreateOnUpdate: true },
});

export const endpointSlices = resource<EndpointSlice>(EndpointSlice, {
  plural: "endpointslices",
  scope: "Namespaced",
  hash: "qgS0xkrxYAI=",
  columns: endpointSliceColumns,
  strategy: {
    tracksGeneration: true,
    // There is no spec: everything but the metadata is wanted, and the label that names the Service.
    wantsSame: (a, b) => equalJson({ ...a, metadata: a.metadata.labels }, { ...b, metadata: b.metadata.labels }),
    defaults: defaultEndpointSlice,
    validate: validateEndpointSlice,
    validateUpdate: validateEndpointSliceUpdate,
  },
});
