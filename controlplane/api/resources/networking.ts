import { defaultIngressClass, defaultNetworkPolicy } from "../defaults/networking.ts";
import { ingressClassColumns, ingressColumns, networkPolicyColumns } from "../printers/ingress.ts";
import { Ingress } from "../types/networking/ingress.ts";
import { IngressClass } from "../types/networking/ingress-class.ts";
import { NetworkPolicy } from "../types/networking/network-policy.ts";
import {
  ingressWarnings,
  validateIngress,
  validateIngressClass,
  validateIngressClassUpdate,
  validateIngressCreate,
  validateIngressStatus,
} from "../validation/ingress.ts";
import { validateNetworkPolicy } from "../validation/network-policy.ts";
import { resource } from "./resource.ts";

export const ingresses = resource<Ingress>(Ingress, {
  plural: "ingresses",
  shortNames: ["ing"],
  scope: "Namespaced",
  status: true,
  storage: "ingress",
  hash: "39NQlfNR+bo=",
  columns: ingressColumns,
  strategy: {
    tracksGeneration: true,
    prepareForCreate: (ingress) => {
      ingress.status = { loadBalancer: {} };
    },
    validate: validateIngress,
    validateCreate: validateIngressCreate,
    validateStatusUpdate: validateIngressStatus,
    warnings: ingressWarnings,
  },
});

export const ingressClasses = resource<IngressClass>(IngressClass, {
  plural: "ingressclasses",
  scope: "Cluster",
  hash: "l/iqIbDgFyQ=",
  columns: ingressClassColumns,
  strategy: {
    tracksGeneration: true,
    defaults: defaultIngressClass,
    validate: validateIngressClass,
    validateUpdate: validateIngressClassUpdate,
  },
});

export const networkPolicies = resource<NetworkPolicy>(NetworkPolicy, {
  plural: "networkpolicies",
  shortNames: ["netpol"],
  scope: "Namespaced",
  hash: "YpfwF18m1G8=",
  columns: networkPolicyColumns,
  strategy: { tracksGeneration: true, defaults: defaultNetworkPolicy, validate: validateNetworkPolicy },
});
