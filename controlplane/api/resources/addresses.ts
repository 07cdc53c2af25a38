import { ipAddressColumns, serviceCIDRColumns } from "../printers/ingress.ts";
import { IPAddress, ServiceCIDR } from "../types/networking/service-cidr.ts";
import { resource } from "./resource.ts";

export const ipAddresses = resource<IPAddress>(IPAddress, {
  plural: "ipaddresses",
  shortNames: ["ip"],
  scope: "Cluster",
  hash: "3f/plJFChNE=",
  columns: ipAddressColumns,
});

export const serviceCIDRs = resource<ServiceCIDR>(ServiceCIDR, {
  plural: "servicecidrs",
  scope: "Cluster",
  status: true,
  hash: "gNLvruQhW2g=",
  columns: serviceCIDRColumns,
});
