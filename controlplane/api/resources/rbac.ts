import { defaultBinding } from "../defaults/core.ts";
import { bindingColumns } from "../printers/config.ts";
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../types/rbac.ts";
import { isPathSegment } from "../validation/formats.ts";
import {
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
  validateRoleRefUpdate,
} from "../validation/rbac.ts";
import { resource } from "./resource.ts";

export const clusterRoleBindings = resource<ClusterRoleBinding>(ClusterRoleBinding, {
  plural: "clusterrolebindings",
  scope: "Cluster",
  hash: "48tpQ8gZHFc=",
  columns: bindingColumns,
  strategy: {
    defaults: defaultBinding,
    validate: validateClusterRoleBinding,
    validateUpdate: validateRoleRefUpdate,
    name: isPathSegment,
    allowCreateOnUpdate: true,
  },
});

export const clusterRoles = resource<ClusterRole>(ClusterRole, {
  plural: "clusterroles",
  scope: "Cluster",
  hash: "bYE5ZWDrJ44=",
  strategy: {
    validate: validateClusterRole,
    name: isPathSegment,
    allowCreateOnUpdate: true,
  },
});

export const roleBindings = resource<RoleBinding>(RoleBinding, {
  plural: "rolebindings",
  scope: "Namespaced",
  hash: "eGsCzGH6b1g=",
  columns: bindingColumns,
  strategy: {
    defaults: defaultBinding,
    validate: validateRoleBinding,
    validateUpdate: validateRoleRefUpdate,
    name: isPathSegment,
    allowCreateOnUpdate: true,
  },
});

export const roles = resource<Role>(Role, {
  plural: "roles",
  scope: "Namespaced",
  hash: "7FuwZcIIItM=",
  strategy: {
    validate: validateRole,
    name: isPathSegment,
    allowCreateOnUpdate: true,
  },
});
