import type { Container, PersistentVolume, Pod } from "../../api/mod.ts";

/** Names of objects in a pod's namespace that its kubelet needs to run it. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

export function referencesOf({ metadata, spec }: Pod): PodReferences {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const claims = new Set<string>();
  const add = (names: Set<string>, name: string | undefined) => void (name && names.add(name));

  for (const { name } of spec.imagePullSecrets ?? []) add(secrets, name);
  const ephemeral = (spec.ephemeralContainers ?? []) as unknown as readonly Container[];
  for (const { env, envFrom } of [...spec.containers, ...(spec.initContainers ?? []), ...ephemeral]) {
    for (const { valueFrom } of env ?? []) {
      add(secrets, valueFrom?.secretKeyRef?.name);
      add(configMaps, valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom ?? []) {
      add(secrets, secretRef?.name);
      add(configMaps, configMapRef?.name);
    }
  }
  for (const { name, ...source } of spec.volumes ?? []) {
    for (const secret of secretsOfSource(source)) add(secrets, secret.name);
    add(configMaps, source.configMap?.name);
    add(claims, source.persistentVolumeClaim?.claimName);
    if (source.ephemeral !== undefined) add(claims, `${metadata.name}-${name}`);
    for (const projected of source.projected?.sources ?? []) {
      add(secrets, projected.secret?.name);
      add(configMaps, projected.configMap?.name);
    }
  }
  return { secrets, configMaps, claims };
}

/** Secrets that mounting a volume needs; without a namespace of their own they are in that of its claim. */
export function secretsOfVolume({ spec }: PersistentVolume): { readonly namespace: string; readonly name: string }[] {
  const own = spec.claimRef?.namespace ?? "";
  return secretsOfSource(spec).map(({ namespace, name }) => ({ namespace: namespace || own, name }));
}

interface SecretReference {
  readonly namespace?: string;
  readonly name: string;
}

/** Every kind of volume calls them `secretRef`, `secretName` or, for several purposes, `…SecretRef`. */
function secretsOfSource(source: object): SecretReference[] {
  const found: SecretReference[] = [];
  for (const details of Object.values(source)) {
    if (typeof details !== "object" || details === null) continue;
    for (const [field, value] of Object.entries(details as Record<string, unknown>)) {
      if (field === "secretName" && typeof value === "string")
        found.push({ name: value, namespace: (details as { secretNamespace?: string }).secretNamespace ?? "" });
      const reference = value as SecretReference | null;
      if (/^(\w*S|s)ecretRef$/.test(field) && reference?.name) found.push(reference);
    }
  }
  return found;
}
