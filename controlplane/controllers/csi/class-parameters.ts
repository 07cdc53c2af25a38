import type { PersistentVolumeClaim, SecretReference, StorageClass } from "../../api/mod.ts";

const prefix = "csi.storage.k8s.io/";

export type SecretUse =
  | "provisioner"
  | "controller-publish"
  | "node-stage"
  | "node-publish"
  | "controller-expand"
  | "node-expand";

/** The parameters that are the driver's own. */
export function driverParameters({ parameters = {} }: StorageClass): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !name.startsWith(prefix)));
}

export function fsTypeOf({ parameters }: StorageClass): string {
  return parameters?.[`${prefix}fstype`] ?? "ext4";
}

/**
 * The Secret that a class names for one use. Its name may depend on the claim: `${pvc.name}`, `${pvc.namespace}`, `${pv.name}` and
 * `${pvc.annotations['…']}`. Throws when it depends on anything else, or names half a Secret.
 */
export function secretFor(
  { parameters }: StorageClass,
  use: SecretUse,
  claim: PersistentVolumeClaim,
  volumeName: string,
): SecretReference | undefined {
  const name = parameters?.[`${prefix}${use}-secret-name`];
  const namespace = parameters?.[`${prefix}${use}-secret-namespace`];
  if (name === undefined && namespace === undefined) return undefined;
  if (!name || !namespace) throw new Error(`${use} secret: both its name and its namespace have to be given`);
  const resolve = (template: string) =>
    template.replace(/\$\{([^}]*)\}/g, (_, what: string) => {
      const annotation = /^pvc\.annotations\['([^']+)'\]$/.exec(what)?.[1];
      const value =
        what === "pvc.name"
          ? claim.metadata.name
          : what === "pvc.namespace"
            ? claim.metadata.namespace
            : what === "pv.name"
              ? volumeName
              : annotation === undefined
                ? undefined
                : claim.metadata.annotations?.[annotation];
      if (value === undefined) throw new Error(`${use} secret: cannot resolve \${${what}}`);
      return value;
    });
  return { name: resolve(name), namespace: resolve(namespace) };
}
