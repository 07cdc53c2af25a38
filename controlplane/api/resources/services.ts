import { defaultService } from "../defaults/service.ts";
import { ageColumn, nameColumn } from "../printers/column.ts";
import { serviceColumns } from "../printers/network.ts";
import { TokenRequest } from "../types/authentication.ts";
import { Service } from "../types/core/service.ts";
import { ServiceAccount } from "../types/core/service-account.ts";
import { isDNS1035Label } from "../validation/formats.ts";
import {
  serviceWarnings,
  validateService,
  validateServiceStatus,
  validateServiceUpdate,
} from "../validation/service.ts";
import { proxy } from "./connect.ts";
import { resource } from "./resource.ts";
import { alignAddresses, dropWithType, keepAllocated } from "./service-type.ts";

export const services = resource<Service>(Service, {
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  scope: "Namespaced",
  status: true,
  subresources: [proxy("ServiceProxyOptions")],
  storage: "services/specs",
  hash: "0/CO1lhkEBI=",
  columns: serviceColumns,
  strategy: {
    defaults: defaultService,
    prepareForCreate: (service) => {
      alignAddresses(service.spec);
      service.status = { loadBalancer: {} };
    },
    prepareForUpdate: (next, old) => {
      dropWithType(next.spec, old.spec);
      keepAllocated(next.spec, old.spec);
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    validateStatusUpdate: validateServiceStatus,
    warnings: serviceWarnings,
    // The name becomes part of environment variables, which do not start with a digit.
    name: isDNS1035Label,
    allowCreateOnUpdate: true,
  },
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
  columns: [nameColumn, ageColumn],
});
