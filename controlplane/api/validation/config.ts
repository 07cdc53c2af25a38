import { toUtf8 } from "../../../base/mod.ts";
import { fromBase64 } from "../schema/base64.ts";
import { equalJson } from "../schema/equal.ts";
import type { ConfigMap, Secret } from "../types/core/config.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isConfigMapKey } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";

const maxBytes = 1024 * 1024;
const frozen = "field is immutable when `immutable` is set";

export function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap, errors: FieldErrors): void {
  let size = 0;
  for (const [key, text] of Object.entries(data)) {
    errors.invalidEach(`data[${key}]`, key, isConfigMapKey(key));
    if (Object.hasOwn(binaryData, key)) errors.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
    size += toUtf8(text).length;
  }
  for (const [key, base64] of Object.entries(binaryData)) {
    errors.invalidEach(`binaryData[${key}]`, key, isConfigMapKey(key));
    size += lengthOfBase64(base64);
  }
  if (size > maxBytes) errors.tooLong("", maxBytes);
}

export function validateConfigMapUpdate(next: ConfigMap, old: ConfigMap, errors: FieldErrors): void {
  if (old.immutable !== true) return;
  if (next.immutable !== true) errors.forbidden("immutable", frozen);
  if (!equalJson(next.data ?? {}, old.data ?? {})) errors.forbidden("data", frozen);
  if (!equalJson(next.binaryData ?? {}, old.binaryData ?? {})) errors.forbidden("binaryData", frozen);
}

/** Types that promise certain keys. */
const promisedKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

export function validateSecret(secret: Secret, errors: FieldErrors): void {
  const { data = {}, type = "Opaque", metadata } = secret;
  let size = 0;
  for (const [key, base64] of Object.entries(data)) {
    errors.invalidEach(`data[${key}]`, key, isConfigMapKey(key));
    size += lengthOfBase64(base64);
  }
  if (size > maxBytes) errors.tooLong("data", maxBytes);

  for (const key of promisedKeys[type] ?? []) {
    if (data[key] === undefined) errors.required(`data[${key}]`);
    else if (key.startsWith(".docker") && !isJson(data[key])) {
      errors.invalid(`data[${key}]`, "<secret contents redacted>", "invalid character looking for beginning of value");
    }
  }
  if (type === "kubernetes.io/basic-auth" && data.username === undefined && data.password === undefined) {
    errors.required("data[username]");
    errors.required("data[password]");
  }
  if (type === "kubernetes.io/service-account-token") {
    const account = "kubernetes.io/service-account.name";
    if (!metadata.annotations?.[account]) errors.required(`metadata.annotations[${account}]`);
  }
}

export function validateSecretUpdate(next: Secret, old: Secret, errors: FieldErrors): void {
  validateImmutable(next.type, old.type, "type", errors);
  if (old.immutable !== true) return;
  if (next.immutable !== true) errors.forbidden("immutable", frozen);
  if (!equalJson(next.data ?? {}, old.data ?? {})) errors.forbidden("data", frozen);
}

function lengthOfBase64(base64: string): number {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(new TextDecoder().decode(fromBase64(base64)));
    return true;
  } catch {
    return false;
  }
}
