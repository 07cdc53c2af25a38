import { defaultLimitRange } from "../defaults/quota.ts";
import { resourceQuotaColumns } from "../printers/policy.ts";
import { LimitRange, ResourceQuota } from "../types/core/quota.ts";
import {
  validateLimitRange,
  validateResourceQuota,
  validateResourceQuotaStatus,
  validateResourceQuotaUpdate,
} from "../validation/quota.ts";
import { resource } from "./resource.ts";

export const limitRanges = resource<LimitRange>(LimitRange, {
  plural: "limitranges",
  shortNames: ["limits"],
  scope: "Namespaced",
  hash: "EBKMFVe6cwo=",
  strategy: { defaults: defaultLimitRange, validate: validateLimitRange, allowCreateOnUpdate: true },
});

export const resourceQuotas = resource<ResourceQuota>(ResourceQuota, {
  plural: "resourcequotas",
  shortNames: ["quota"],
  scope: "Namespaced",
  status: true,
  hash: "8uhSgffRX6w=",
  columns: resourceQuotaColumns,
  strategy: {
    validate: validateResourceQuota,
    validateUpdate: validateResourceQuotaUpdate,
    validateStatusUpdate: validateResourceQuotaStatus,
  },
});
