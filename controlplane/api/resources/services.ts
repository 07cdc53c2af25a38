import { TokenRequest } from "../types/authentication.ts";
import { Service } from "../types/core/service.ts";
import { ServiceAccount } from "../types/core/service-account.ts";
import { resource } from "./resource.ts";

export const services = resource<Service>(Service, {
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  storage: "services/specs",
  hash: "0/CO1lhkEBI=",
  strategy: { allowCreateOnUpdate: true },
  selectableFields: {
    "spec.clusterIP": (service) => service.spec.clusterIP ?? "",
    "spec.type": (service) => service.spec.type ?? "",
  },
});

export const serviceAccounts = resource<ServiceAccount>(ServiceAccount, {
  plural: "serviceaccounts",
  shortNames: ["sa"],
  scope: "Namespaced",
  subresources: [{ name: "token", gvk: TokenRequest.gvk, schema: TokenRequest, verbs: ["create"] }],
  hash: "pbx9ZvyFpBE=",
});
