import { ipAddressColumns, serviceCIDRColumns } from "../printers/ingress.ts";
import { IPAddress, ServiceCIDR } from "../types/networking/service-cidr.ts";
import {
  isCanonicalAddress,
  validateIPAddress,
  validateIPAddressUpdate,
  validateServiceCIDR,
  validateServiceCIDRUpdate,
} from "../validation/addresses.ts";
import { resource } from "./resource.ts";

export const ipAddresses = resource<IPAddress>(IPAddress, {
  plural: "ipaddresses",
  shortNames: ["ip"],
  scope: "Cluster",
  hash: "3f/plJFChNE=",
  columns: ipAddressColumns,
  strategy: { validate: validateIPAddress, validateUpdate: validateIPAddressUpdate, name: isCanonicalAddress },
});

export const serviceCIDRs = resource<ServiceCIDR>(ServiceCIDR, {
  plural: "servicecidrs",
  scope: "Cluster",
  status: true,
  hash: "gNLvruQhW2g=",
  columns: serviceCIDRColumns,
  strategy: { validate: validateServiceCIDR, validateUpdate: validateServiceCIDRUpdate },
});
