import type { ConfigMap, Container, Pod, Secret, Service } from "../../../controlplane/api/mod.ts";
import type { KeyValue } from "../runtime/cri.ts";
import { expand } from "./expand.ts";
import { fieldValue, type PodFacts, resourceValue } from "./field-value.ts";
import { serviceVariables, visibleServices } from "./service-links.ts";

/** Where references of a pod are looked up; undefined: there is no such object. */
export interface Sources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** A container that cannot be configured: it waits with reason CreateContainerConfigError until that changes. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

/** A container's environment with everything but the pod itself already given. */
export type ContainerEnvironment = (
  pod: Pod,
  container: Container,
  podIP: string,
  onSkipped: (message: string) => void,
) => Promise<KeyValue[]>;

const validName = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/**
 * A container's environment in order: Services, envFrom, env, later ones winning (kubelet_pods.go, makeEnvironmentVariables). `$(NAME)`
 * sees what was defined before. Rejects with ContainerConfigError when a reference leads nowhere. Keys that cannot be variables are
 * left out and reported.
 */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  services: readonly Service[],
  sources: Sources,
  facts: PodFacts,
  onSkipped: (message: string) => void,
): Promise<KeyValue[]> {
  const namespace = pod.metadata.namespace ?? "default";
  const links = serviceVariables(visibleServices(services, namespace, pod.spec.enableServiceLinks ?? true));
  const result = new Map<string, string>();

  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (ref === undefined) continue;
    const kind = configMapRef === undefined ? "secret" : "configmap";
    const name = ref.name ?? "";
    const data =
      configMapRef === undefined
        ? await secretData(sources, namespace, name)
        : (await sources.configMap(namespace, name))?.data;
    const found =
      configMapRef === undefined ? data !== undefined : (await sources.configMap(namespace, name)) !== undefined;
    if (!found) {
      if (ref.optional === true) continue;
      throw new ContainerConfigError(`${kind} "${name}" not found`);
    }
    const invalid: string[] = [];
    for (const key of Object.keys(data ?? {}).sort()) {
      const variable = `${prefix}${key}`;
      if (validName.test(variable)) result.set(variable, (data as Record<string, string>)[key] as string);
      else invalid.push(key);
    }
    if (invalid.length > 0) {
      const origin = `${configMapRef === undefined ? "Secret" : "ConfigMap"} ${namespace}/${name}`;
      onSkipped(
        `Keys [${invalid.join(", ")}] from the EnvFrom ${origin} were skipped since they are considered invalid environment variable names.`,
      );
    }
  }

  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) {
      result.set(
        name,
        expand(value ?? "", (wanted) => result.get(wanted) ?? links.get(wanted)),
      );
      continue;
    }
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    let found: string | undefined;
    if (fieldRef !== undefined) {
      found = fieldValue(pod, fieldRef.fieldPath, facts);
      if (found === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${fieldRef.fieldPath}`);
    } else if (resourceFieldRef !== undefined) {
      found = resourceValue(pod, resourceFieldRef, container, facts);
      if (found === undefined)
        throw new ContainerConfigError(`unsupported container resource : ${resourceFieldRef.resource}`);
    } else if (configMapKeyRef !== undefined) {
      const map = await sources.configMap(namespace, configMapKeyRef.name ?? "");
      found = keyOf(
        map === undefined ? undefined : { ...map.data },
        "configmap",
        "ConfigMap",
        namespace,
        configMapKeyRef,
      );
    } else if (secretKeyRef !== undefined) {
      const data = await secretData(sources, namespace, secretKeyRef.name ?? "");
      found = keyOf(data, "secret", "Secret", namespace, secretKeyRef);
    }
    if (found !== undefined) result.set(name, found);
  }
  for (const [name, value] of links) if (!result.has(name)) result.set(name, value);
  return [...result].map(([key, value]) => ({ key, value }));
}

function keyOf(
  data: Readonly<Record<string, string>> | undefined,
  resource: string,
  kind: string,
  namespace: string,
  ref: { readonly name?: string; readonly key: string; readonly optional?: boolean },
): string | undefined {
  const value = data?.[ref.key];
  if (value !== undefined || ref.optional === true) return value;
  if (data === undefined) throw new ContainerConfigError(`${resource} "${ref.name ?? ""}" not found`);
  throw new ContainerConfigError(`couldn't find key ${ref.key} in ${kind} ${namespace}/${ref.name ?? ""}`);
}

async function secretData(
  sources: Sources,
  namespace: string,
  name: string,
): Promise<Record<string, string> | undefined> {
  const secret = await sources.secret(namespace, name);
  if (secret === undefined) return undefined;
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, decodeBase64(value)]));
}

function decodeBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}
