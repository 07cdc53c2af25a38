import { ConfigMap, Secret } from "../types/core/config.ts";
import { resource } from "./resource.ts";

export const configMaps = resource<ConfigMap>(ConfigMap, {
  plural: "configmaps",
  shortNames: ["cm"],
  scope: "Namespaced",
  hash: "qFsyl6wFWjQ=",
});

export const secrets = resource<Secret>(Secret, {
  plural: "secrets",
  scope: "Namespaced",
  hash: "S6u1pOWzb84=",
  selectableFields: { type: (secret) => secret.type ?? "" },
});
