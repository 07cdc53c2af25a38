import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { Failure } from "../base/mod.ts";
import { EtcdArguments } from "./etcd-arguments.ts";
import { currentName, flags, formerGates } from "./etcd-flags.ts";

/** Keys below `client-transport-security` and `peer-transport-security`, and the flags they are. */
const securityKeys: Readonly<Record<string, { readonly client: string; readonly peer: string }>> = {
  "cert-file": { client: "cert-file", peer: "peer-cert-file" },
  "key-file": { client: "key-file", peer: "peer-key-file" },
  "client-cert-file": { client: "client-cert-file", peer: "peer-client-cert-file" },
  "client-key-file": { client: "client-key-file", peer: "peer-client-key-file" },
  "client-cert-auth": { client: "client-cert-auth", peer: "peer-client-cert-auth" },
  "trusted-ca-file": { client: "trusted-ca-file", peer: "peer-trusted-ca-file" },
  "auto-tls": { client: "auto-tls", peer: "peer-auto-tls" },
  "crl-file": { client: "client-crl-file", peer: "peer-crl-file" },
  "allowed-cn": { client: "", peer: "peer-cert-allowed-cn" },
  "allowed-hostname": { client: "client-cert-allowed-hostname", peer: "peer-cert-allowed-hostname" },
  "skip-client-san-verification": { client: "", peer: "peer-skip-client-san-verification" },
};

const socketKeys: Readonly<Record<string, string>> = {
  "reuse-port": "socket-reuse-port",
  "reuse-address": "socket-reuse-address",
};

/** Reads a configuration file: the flags' names as keys, and the groups that etcd's has. Rejects with a `Failure`. */
export function readConfigFile(path: string): EtcdArguments {
  let document: unknown;
  try {
    document = parse(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    const why = `cannot read the configuration file ${path}: ${(error as Error).message}`;
    throw new Failure("ConfigFileUnreadable", why, "Check the path, and that it is YAML", error);
  }
  if (!isMap(document)) {
    throw new Failure("ConfigFileInvalid", `${path} is no map of names to values`, "Write `name: value` lines");
  }
  const found = new EtcdArguments();
  for (const [key, value] of Object.entries(document)) {
    if (key === "client-transport-security" || key === "peer-transport-security") {
      setSecurity(found, path, key === "peer-transport-security" ? "peer" : "client", value);
    } else if (key === "socket-options" && isMap(value)) {
      for (const [option, chosen] of Object.entries(value)) set(found, path, socketKeys[option] ?? option, chosen);
    } else if (key === "discovery-config" && isMap(value)) {
      for (const [option, chosen] of Object.entries(value)) set(found, path, `discovery-${option}`, chosen);
    } else set(found, path, key, value);
  }
  return found;
}

function setSecurity(found: EtcdArguments, path: string, side: "client" | "peer", value: unknown): void {
  if (value === null) return;
  if (!isMap(value)) {
    throw new Failure(
      "ConfigFileInvalid",
      `${path}: invalid ${side}-transport-security`,
      "Give it a map of names to values",
    );
  }
  for (const [key, chosen] of Object.entries(value)) set(found, path, securityKeys[key]?.[side] ?? key, chosen);
}

function set(found: EtcdArguments, path: string, key: string, value: unknown): void {
  // A key without a value leaves the default.
  if (value === null || value === undefined) return;
  const gate = formerGates[key];
  if (gate !== undefined) {
    found.setGate(gate, value === true);
    return;
  }
  const name = currentName(key);
  const flag = flags[name];
  if (flag === undefined) {
    found.warnings.push({
      message: "unrecognized key in the configuration file",
      fields: { key, "config-file": path },
    });
    return;
  }
  try {
    found.set(name, asTyped(flag.kind, value));
  } catch (error) {
    throw new Failure("ConfigFileInvalid", `${path}: ${(error as Error).message}`, `Correct "${key}"`, error);
  }
}

/** A value as it would be typed on the command line. etcd's files have times in nanoseconds; Go's form is taken as well. */
function asTyped(kind: string, value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(",");
  if (isMap(value))
    return Object.entries(value)
      .map(([name, one]) => `${name}=${String(one)}`)
      .join(",");
  return kind === "duration" && typeof value === "number" ? `${value}ns` : String(value);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
