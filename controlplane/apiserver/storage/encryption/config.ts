import { parse } from "yaml";
import { Failure } from "../../../../base/mod.ts";
import { aesCbc, aesGcm, secretbox } from "./ciphers.ts";
import { type Cipher, PrefixTransformer, type Sealed, type Transformer } from "./transformer.ts";

/** A resource as the configuration names it: `secrets`, `deployments.apps`. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

/** How each resource is kept; undefined: as it is. */
export type EncryptionRules = (resource: ResourceName) => Transformer | undefined;

const API_VERSION = "apiserver.config.k8s.io/v1";

const ciphers = {
  aesgcm: { lengths: [16, 24, 32], create: aesGcm },
  aescbc: { lengths: [16, 24, 32], create: aesCbc },
  secretbox: { lengths: [32], create: secretbox },
} as const satisfies Record<string, { lengths: readonly number[]; create: (secret: Uint8Array) => Cipher }>;

/** Reads an EncryptionConfiguration in YAML or JSON. Failure says where it makes no sense. */
export function parseEncryptionConfig(text: string): EncryptionRules {
  const config = objectOf(yaml(text), "the file");
  if (config.apiVersion !== API_VERSION || config.kind !== "EncryptionConfiguration")
    refuse(`it is not an EncryptionConfiguration of ${API_VERSION}`);
  const entries = listOf(config.resources, "resources").map((entry, index) => {
    const at = `resources[${index}]`;
    const { resources, providers } = objectOf(entry, at);
    const names = listOf(resources, `${at}.resources`).map((name) => String(name));
    const ways = listOf(providers, `${at}.providers`).flatMap((provider, n) =>
      waysOf(provider, `${at}.providers[${n}]`),
    );
    return { names, transformer: new PrefixTransformer(ways) };
  });
  // The first entry that names a resource counts for it.
  return (resource) => entries.find(({ names }) => names.some((name) => matches(name, resource)))?.transformer;
}

/** `*.*` is everything, `*.apps` a group, `*.` the core group. */
function matches(name: string, { group, plural }: ResourceName): boolean {
  if (name === "*.*") return true;
  const dot = name.indexOf(".");
  const [namedPlural, namedGroup] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
  return namedGroup === group && (namedPlural === "*" || namedPlural === plural);
}

function waysOf(provider: unknown, at: string): (Sealed | "identity")[] {
  const [[name, settings] = ["", undefined], ...others] = Object.entries(objectOf(provider, at));
  if (others.length > 0) refuse(`${at} names more than one provider`);
  if (name === "identity") return ["identity"];
  if (name === "kms") refuse(`${at}: kms is not supported, use ${Object.keys(ciphers).join(", ")} or identity`);
  if (!Object.hasOwn(ciphers, name)) refuse(`${at} names no provider that is known: ${JSON.stringify(name)}`);
  const { lengths, create } = ciphers[name as keyof typeof ciphers];
  const keys = listOf(objectOf(settings, `${at}.${name}`).keys, `${at}.${name}.keys`);
  return keys.map((given, index) => {
    const where = `${at}.${name}.keys[${index}]`;
    const key = objectOf(given, where);
    if (typeof key.name !== "string" || key.name === "") refuse(`${where}.name is required`);
    const secret = Buffer.from(String(key.secret ?? ""), "base64");
    if (!(lengths as readonly number[]).includes(secret.length))
      refuse(
        `${where}.secret has ${secret.length} bytes, not ${lengths.join(", ")}: it is base64 of as many random bytes`,
      );
    return { prefix: `k8s:enc:${name}:v1:${key.name}:`, cipher: create(secret) };
  });
}

function yaml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    return refuse(`it is no YAML: ${(error as Error).message}`);
  }
}

function objectOf(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(`${at} must be an object`);
  return value as Record<string, unknown>;
}

function listOf(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value) || value.length === 0) refuse(`${at} must be a list with something in it`);
  return value as unknown[];
}

function refuse(why: string): never {
  throw new Failure(
    "EncryptionConfigInvalid",
    `the encryption configuration is not usable: ${why}`,
    'See EncryptionConfiguration in Kubernetes\' documentation, "Encrypting Confidential Data at Rest"',
  );
}
