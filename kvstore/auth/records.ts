import { fromUtf8, toUtf8 } from "../../base/mod.ts";
import { authpb } from "../../proto/mod.ts";

export interface User {
  readonly name: string;
  /** Made by bcrypt; empty if the user has none. */
  readonly password: Uint8Array;
  /** Known by its certificate alone. */
  readonly noPassword: boolean;
  /** In byte order. */
  readonly roles: readonly string[];
}

export interface Role {
  readonly name: string;
  /** In order of `key`. */
  readonly permissions: readonly authpb.Permission[];
}

type AuthBucket = "auth" | "authUsers" | "authRoles";

/** Where users and roles are kept: written together with the applied index. Keys are strings of bytes. */
export interface AuthBuckets {
  put(bucket: AuthBucket, key: string, value: Uint8Array): void;
  delete(bucket: AuthBucket, key: string): void;
  scan(bucket: AuthBucket): AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
}

/** All that the buckets hold. */
export interface AuthRecords {
  readonly enabled: boolean;
  /** 0: nothing was ever written. */
  readonly revision: number;
  readonly users: readonly User[];
  readonly roles: readonly Role[];
}

export async function readAuthRecords(buckets: AuthBuckets): Promise<AuthRecords> {
  const users: User[] = [];
  const roles: Role[] = [];
  let enabled = false;
  let revision = 0;
  for await (const entries of buckets.scan("auth")) {
    for (const { key, value } of entries) {
      if (fromUtf8(key) === "authEnabled") enabled = value[0] === 1;
      if (fromUtf8(key) === "authRevision") revision = Number(Buffer.from(value).readBigUInt64BE(0));
    }
  }
  for await (const entries of buckets.scan("authUsers")) {
    for (const { value } of entries) users.push(readUser(value));
  }
  for await (const entries of buckets.scan("authRoles")) {
    for (const { value } of entries) roles.push(readRole(value));
  }
  return { enabled, revision, users, roles };
}

/** Writes records as etcd has them, so that its snapshots and ours can take each other's place. */
export class AuthWriter {
  readonly #buckets: AuthBuckets;

  constructor(buckets: AuthBuckets) {
    this.#buckets = buckets;
  }

  enabled(enabled: boolean): void {
    this.#buckets.put("auth", "authEnabled", Uint8Array.of(enabled ? 1 : 0));
  }

  revision(revision: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(revision));
    this.#buckets.put("auth", "authRevision", bytes);
  }

  putUser({ name, password, roles, noPassword }: User): void {
    const record = { name: toUtf8(name), password, roles, options: { noPassword } };
    this.#buckets.put("authUsers", recordKey(name), authpb.User.encode(record));
  }

  deleteUser(name: string): void {
    this.#buckets.delete("authUsers", recordKey(name));
  }

  putRole({ name, permissions }: Role): void {
    const record = { name: toUtf8(name), keyPermission: permissions };
    this.#buckets.put("authRoles", recordKey(name), authpb.Role.encode(record));
  }

  deleteRole(name: string): void {
    this.#buckets.delete("authRoles", recordKey(name));
  }
}

function readUser(record: Uint8Array): User {
  const { name, password, roles, options } = authpb.User.decode(record);
  return { name: fromUtf8(name), password: password.slice(), roles, noPassword: options?.noPassword ?? false };
}

function readRole(record: Uint8Array): Role {
  const { name, keyPermission } = authpb.Role.decode(record);
  return { name: fromUtf8(name), permissions: keyPermission.map(ownPermission) };
}

/** A copy that keeps no larger buffer alive. */
export function ownPermission({ permType, key, rangeEnd }: authpb.Permission): authpb.Permission {
  return { permType, key: key.slice(), rangeEnd: rangeEnd.slice() };
}

function recordKey(name: string): string {
  return Buffer.from(name).toString("latin1");
}
