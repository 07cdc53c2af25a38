import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
} from "../../../controlplane/api/mod.ts";
import type { Sources } from "../env/container-env.ts";
import { fieldValue, type PodFacts, resourceValue } from "../env/field-value.ts";
import type { ProjectedFile } from "./atomic-writer.ts";
import { VolumeError } from "./volume-error.ts";

export interface TokenRequest {
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

export interface PayloadContext extends Sources {
  readonly pod: Pod;
  readonly facts: PodFacts;
  token(request: TokenRequest): Promise<string>;
}

const ownerOnly = 0o600;
const defaultFileMode = 0o644;

/** The files of a configMap, secret, downwardAPI or projected volume. Rejects with VolumeError when one cannot be had. */
export async function volumePayload(volume: Volume, context: PayloadContext): Promise<Map<string, ProjectedFile>> {
  const namespace = context.pod.metadata.namespace ?? "default";
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    const found = await context.configMap(namespace, configMap.name ?? "");
    return configMapFiles(found, configMap, configMap.defaultMode ?? defaultFileMode, namespace);
  }
  if (secret !== undefined) {
    const name = secret.secretName ?? "";
    const found = await context.secret(namespace, name);
    return secretFiles(found, { ...secret, name }, secret.defaultMode ?? defaultFileMode, namespace);
  }
  if (downwardAPI !== undefined) {
    return downwardFiles(downwardAPI.items ?? [], downwardAPI.defaultMode ?? defaultFileMode, context);
  }
  if (projected === undefined)
    throw new VolumeError(`volume "${volume.name}" is of a kind that holds no projected files`);
  const files = new Map<string, ProjectedFile>();
  const mode = projected.defaultMode ?? defaultFileMode;
  for (const source of projected.sources ?? []) {
    const part = await projectedPart(source, mode, namespace, context);
    for (const [path, file] of part) files.set(path, file);
  }
  return files;
}

type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];

async function projectedPart(
  source: Projection,
  mode: number,
  namespace: string,
  context: PayloadContext,
): Promise<Map<string, ProjectedFile>> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) {
    return configMapFiles(await context.configMap(namespace, configMap.name ?? ""), configMap, mode, namespace);
  }
  if (secret !== undefined) {
    const name = secret.name ?? "";
    return secretFiles(await context.secret(namespace, name), { ...secret, name }, mode, namespace);
  }
  if (downwardAPI !== undefined) return downwardFiles(downwardAPI.items ?? [], mode, context);
  if (serviceAccountToken !== undefined) {
    const { audience, expirationSeconds = 3600, path } = serviceAccountToken;
    const token = await context.token({ audience: audience === "" ? undefined : audience, expirationSeconds });
    // The token is the pod's identity: for its user alone, unless a group shares the volume.
    return new Map([
      [
        path,
        {
          data: Buffer.from(token),
          mode: context.pod.spec.securityContext?.runAsUser === undefined ? ownerOnly : mode,
        },
      ],
    ]);
  }
  throw new VolumeError("projected volume source is of a kind that this kubelet does not support");
}

interface Selection {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

function configMapFiles(
  found: ConfigMap | undefined,
  selection: Selection,
  mode: number,
  namespace: string,
): Map<string, ProjectedFile> {
  const data: Record<string, Uint8Array> = {};
  for (const [key, text] of Object.entries(found?.data ?? {})) data[key] = Buffer.from(text, "utf8");
  for (const [key, text] of Object.entries(found?.binaryData ?? {})) data[key] = Buffer.from(text, "base64");
  return select(
    found === undefined ? undefined : data,
    selection,
    mode,
    "configmap",
    `ConfigMap ${namespace}/${selection.name}`,
  );
}

function secretFiles(
  found: Secret | undefined,
  selection: Selection,
  mode: number,
  namespace: string,
): Map<string, ProjectedFile> {
  const data: Record<string, Uint8Array> = {};
  for (const [key, text] of Object.entries(found?.data ?? {})) data[key] = Buffer.from(text, "base64");
  return select(
    found === undefined ? undefined : data,
    selection,
    mode,
    "secret",
    `Secret ${namespace}/${selection.name}`,
  );
}

function select(
  data: Readonly<Record<string, Uint8Array>> | undefined,
  { name = "", items, optional = false }: Selection,
  mode: number,
  resource: string,
  title: string,
): Map<string, ProjectedFile> {
  const files = new Map<string, ProjectedFile>();
  if (data === undefined) {
    if (!optional) throw new VolumeError(`${resource} "${name}" not found`);
    return files;
  }
  if (items === undefined || items.length === 0) {
    for (const [key, bytes] of Object.entries(data)) files.set(key, { data: bytes, mode });
    return files;
  }
  for (const item of items) {
    const bytes = data[item.key];
    if (bytes !== undefined) files.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!optional)
      throw new VolumeError(`references non-existent ${title.split(" ")[0]?.toLowerCase()} key: ${item.key}`);
  }
  return files;
}

function downwardFiles(
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  { pod, facts }: PayloadContext,
): Map<string, ProjectedFile> {
  const files = new Map<string, ProjectedFile>();
  for (const item of items) {
    const value =
      item.fieldRef !== undefined
        ? fieldValue(pod, item.fieldRef.fieldPath, facts)
        : item.resourceFieldRef !== undefined
          ? resourceValue(pod, item.resourceFieldRef, undefined, facts)
          : undefined;
    if (value === undefined)
      throw new VolumeError(`downward API file "${item.path}" refers to a field that does not exist`);
    files.set(item.path, { data: Buffer.from(value), mode: item.mode ?? mode });
  }
  return files;
}
