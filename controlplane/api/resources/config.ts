import { defaultSecret } from "../defaults/core.ts";
import { configMapColumns, secretColumns } from "../printers/config.ts";
import { ConfigMap, Secret } from "../types/core/config.ts";
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from "../validation/config.ts";
import { resource } from "./resource.ts";

export const configMaps = resource<ConfigMap>(ConfigMap, {
  plural: "configmaps",
  shortNames: ["cm"],
  scope: "Namespaced",
  hash: "qFsyl6wFWjQ=",
  columns: configMapColumns,
  strategy: { validate: validateConfigMap, validateUpdate: validateConfigMapUpdate },
});

export const secrets = resource<Secret>(Secret, {
  plural: "secrets",
  scope: "Namespaced",
  hash: "S6u1pOWzb84=",
  columns: secretColumns,
  strategy: { defaults: defaultSecret, validate: validateSecret, validateUpdate: validateSecretUpdate },
  selectableFields: { type: (secret) => secret.type ?? "" },
});
