import { compareBytes, equalBytes, toUtf8 } from "../../base/mod.ts";
import {
  type AuthRoleGrantPermissionRequest,
  type AuthRoleRevokePermissionRequest,
  type AuthUserAddRequest,
  type AuthUserChangePasswordRequest,
  type AuthUserGrantRoleRequest,
  type AuthUserRevokeRoleRequest,
  authpb,
  type EtcdErrorName,
} from "../../proto/mod.ts";
import { IntervalUnion, isValidPermissionRange, keyInterval } from "./permissions.ts";
import { type AuthBuckets, type AuthRecords, AuthWriter, ownPermission, type Role, type User } from "./records.ts";

export const rootName = "root";

/** What a user may do with keys: the union of what its roles grant. */
export interface Rights {
  readonly isRoot: boolean;
  readonly readable: IntervalUnion;
  readonly writable: IntervalUnion;
}

/** Why nothing was changed; undefined if it was. */
type Outcome = EtcdErrorName | undefined;

/**
 * Users, roles, and whether they count (etcd's server/auth/store.go). Part of the replicated state: changed by applying
 * entries only, and each change depends on what is here and on the entry alone.
 */
export class AuthStore {
  #writer: AuthWriter;
  #enabled = false;
  #revision = 0;
  #users = new Map<string, User>();
  #roles = new Map<string, Role>();
  /** Of users that asked for something since the last change. */
  readonly #rights = new Map<string, Rights>();

  constructor(buckets: AuthBuckets, records: AuthRecords) {
    this.#writer = new AuthWriter(buckets);
    this.restore(buckets, records);
  }

  /** Takes over what the database of a snapshot holds. */
  restore(buckets: AuthBuckets, { enabled, revision, users, roles }: AuthRecords): void {
    this.#writer = new AuthWriter(buckets);
    this.#enabled = enabled;
    this.#revision = revision;
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#roles = new Map(roles.map((role) => [role.name, role]));
    this.#rights.clear();
    // A new store starts at 1 on every member: 0 in a request means that nobody asks.
    if (revision === 0) this.#changed();
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Grows with every change of users and roles. */
  get revision(): number {
    return this.#revision;
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** Undefined if there is no such user. */
  rightsOf(name: string): Rights | undefined {
    const known = this.#rights.get(name);
    if (known !== undefined) return known;
    const user = this.#users.get(name);
    if (user === undefined) return undefined;
    const rights = this.#merge(user);
    this.#rights.set(name, rights);
    return rights;
  }

  users(): readonly string[] {
    return [...this.#users.keys()].sort(byteOrder);
  }

  roles(): readonly string[] {
    return [...this.#roles.keys()].sort(byteOrder);
  }

  /** The root role says that it may do everything, though nothing was ever granted to it. */
  permissionsOf(role: string): readonly authpb.Permission[] | undefined {
    const known = this.#roles.get(role);
    return known !== undefined && role === rootName ? [everything] : known?.permissions;
  }

  enable(): Outcome {
    if (this.#enabled) return undefined;
    const root = this.#users.get(rootName);
    if (root === undefined) return "RootUserNotExist";
    if (!root.roles.includes(rootName)) return "RootRoleNotExist";
    this.#enabled = true;
    this.#writer.enabled(true);
    return undefined;
  }

  disable(): Outcome {
    if (!this.#enabled) return undefined;
    this.#enabled = false;
    this.#writer.enabled(false);
    this.#changed();
    return undefined;
  }

  addUser({ name, hashedPassword, options }: Pick<AuthUserAddRequest, "name" | "hashedPassword" | "options">): Outcome {
    if (name === "") return "UserEmpty";
    if (this.#users.has(name)) return "UserAlreadyExist";
    const noPassword = options?.noPassword ?? false;
    const hash = noPassword ? noBytes : decodeHash(hashedPassword);
    if (hash === undefined) return "NoPasswordUser";
    this.#putUser({ name, password: hash, noPassword, roles: [] });
    this.#changed();
    return undefined;
  }

  deleteUser(name: string): Outcome {
    if (this.#enabled && name === rootName) return "InvalidAuthMgmt";
    if (!this.#users.delete(name)) return "UserNotFound";
    this.#writer.deleteUser(name);
    this.#changed();
    return undefined;
  }

  changePassword({ name, hashedPassword }: Pick<AuthUserChangePasswordRequest, "name" | "hashedPassword">): Outcome {
    const user = this.#users.get(name);
    if (user === undefined) return "UserNotFound";
    const hash = user.noPassword ? noBytes : decodeHash(hashedPassword);
    if (hash === undefined) return "NoPasswordUser";
    this.#putUser({ ...user, password: hash });
    this.#changed();
    return undefined;
  }

  grantRole({ user: name, role }: AuthUserGrantRoleRequest): Outcome {
    const user = this.#users.get(name);
    if (user === undefined) return "UserNotFound";
    // The root role need not have been added: its name alone says what it grants.
    if (role !== rootName && !this.#roles.has(role)) return "RoleNotFound";
    if (user.roles.includes(role)) return undefined;
    this.#putUser({ ...user, roles: [...user.roles, role].sort(byteOrder) });
    this.#changed();
    return undefined;
  }

  revokeRole({ name, role }: AuthUserRevokeRoleRequest): Outcome {
    if (this.#enabled && name === rootName && role === rootName) return "InvalidAuthMgmt";
    const user = this.#users.get(name);
    if (user === undefined) return "UserNotFound";
    if (!user.roles.includes(role)) return "RoleNotGranted";
    this.#putUser({ ...user, roles: user.roles.filter((granted) => granted !== role) });
    this.#changed();
    return undefined;
  }

  addRole(name: string): Outcome {
    if (name === "") return "RoleEmpty";
    if (this.#roles.has(name)) return "RoleAlreadyExist";
    this.#putRole({ name, permissions: [] });
    this.#changed();
    return undefined;
  }

  deleteRole(name: string): Outcome {
    if (this.#enabled && name === rootName) return "InvalidAuthMgmt";
    if (!this.#roles.delete(name)) return "RoleNotFound";
    this.#writer.deleteRole(name);
    for (const user of this.#users.values()) {
      if (!user.roles.includes(name)) continue;
      this.#putUser({ ...user, roles: user.roles.filter((role) => role !== name) });
    }
    this.#changed();
    return undefined;
  }

  /** A permission on the same range takes the earlier one's place. */
  grantPermission({ name, perm }: AuthRoleGrantPermissionRequest): Outcome {
    if (perm === undefined) return "PermissionNotGiven";
    if (!isValidPermissionRange(perm.key, perm.rangeEnd)) return "InvalidAuthMgmt";
    const role = this.#roles.get(name);
    if (role === undefined) return "RoleNotFound";
    const granted = ownPermission(perm);
    const at = role.permissions.findIndex((one) => isSameRange(one, granted));
    const permissions =
      at === -1
        ? [...role.permissions, granted].sort((a, b) => compareBytes(a.key, b.key))
        : role.permissions.with(at, granted);
    this.#putRole({ name, permissions });
    this.#changed();
    return undefined;
  }

  revokePermission(request: AuthRoleRevokePermissionRequest): Outcome {
    const role = this.#roles.get(request.role);
    if (role === undefined) return "RoleNotFound";
    const permissions = role.permissions.filter((one) => !isSameRange(one, request));
    if (permissions.length === role.permissions.length) return "PermissionNotGranted";
    this.#putRole({ ...role, permissions });
    this.#changed();
    return undefined;
  }

  #putUser(user: User): void {
    this.#users.set(user.name, user);
    this.#writer.putUser(user);
  }

  #putRole(role: Role): void {
    this.#roles.set(role.name, role);
    this.#writer.putRole(role);
  }

  #changed(): void {
    this.#rights.clear();
    this.#revision++;
    this.#writer.revision(this.#revision);
  }

  #merge({ roles }: User): Rights {
    const granted = roles.flatMap((role) => this.#roles.get(role)?.permissions ?? []);
    const { READ, WRITE, READWRITE } = authpb.PermissionType;
    const unionOf = (type: authpb.PermissionType) => {
      const permissions = granted.filter(({ permType }) => permType === type || permType === READWRITE);
      return new IntervalUnion(permissions.map(({ key, rangeEnd }) => keyInterval(key, rangeEnd)));
    };
    return { isRoot: roles.includes(rootName), readable: unionOf(READ), writable: unionOf(WRITE) };
  }
}

const noBytes = new Uint8Array(0);

const everything: authpb.Permission = {
  permType: authpb.PermissionType.READWRITE,
  key: noBytes,
  rangeEnd: Uint8Array.of(0),
};

/** Passwords are hashed before they are proposed, so that all members store the same hash and none stores the password. Undefined
 * for what is no base64. */
function decodeHash(hashed: string): Uint8Array | undefined {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(hashed);
  return isBase64 ? Buffer.from(hashed, "base64") : undefined;
}

type Range = Pick<authpb.Permission, "key" | "rangeEnd">;

function isSameRange(a: Range, b: Range): boolean {
  return equalBytes(a.key, b.key) && equalBytes(a.rangeEnd, b.rangeEnd);
}

/** Strings as etcd sorts them: by their bytes. */
function byteOrder(a: string, b: string): number {
  return compareBytes(toUtf8(a), toUtf8(b));
}
