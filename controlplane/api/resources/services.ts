import { defaultService } from "../defaults/service.ts";
import { ageColumn, nameColumn } from "../printers/column.ts";
import { serviceColumns } from "../printers/network.ts";
import { TokenRequest } from "../types/authentication.ts";
import { Service } from "../types/core/service.ts";
import { ServiceAccount } from "../types/core/service-account.ts";
import { isDNS1035Label } from "../validation/formats.ts";
import { validateService, validateServiceUpdate } from "../validation/service.ts";
import { resource } from "./resource.ts";

export const services = resource<Service>(Service, {
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  storage: "services/specs",
  hash: "0/CO1lhkEBI=",
  columns: serviceColumns,
  strategy: {
    defaults: defaultService,
    prepareForCreate: (service) => {
      service.status = { loadBalancer: {} };
    },
    prepareForUpdate: keepAllocated,
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    // The name becomes part of environment variables, which do not start with a digit.
    name: isDNS1035Label,
    allowCreateOnUpdate: true,
  },
  selectableFields: {
    "spec.clusterIP": (service) => service.spec.clusterIP ?? "",
    "spec.type": (service) => service.spec.type ?? "",
  },
});

/** What the server allocated stays when an update leaves it out, so that `kubectl replace` need not know it. */
function keepAllocated(next: Service, old: Service): void {
  const [to, from] = [next.spec, old.spec];
  if (to.type === "ExternalName" || from.type === "ExternalName") return;
  to.clusterIP ??= from.clusterIP;
  to.clusterIPs ??= from.clusterIPs;
  to.ipFamilies ??= from.ipFamilies;
  to.ipFamilyPolicy ??= from.ipFamilyPolicy;
  if (to.type === "ClusterIP") return;
  for (const port of to.ports ?? []) {
    const before = from.ports?.find((other) => other.port === port.port && other.protocol === port.protocol);
    if (before?.nodePort !== undefined) port.nodePort ??= before.nodePort;
  }
}

export const serviceAccounts = resource<ServiceAccount>(ServiceAccount, {
  plural: "serviceaccounts",
  shortNames: ["sa"],
  scope: "Namespaced",
  subresources: [{ name: "token", gvk: TokenRequest.gvk, schema: TokenRequest, verbs: ["create"] }],
  hash: "pbx9ZvyFpBE=",
  columns: [nameColumn, ageColumn],
});
