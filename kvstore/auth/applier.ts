import type { authpb, EtcdErrorName, InternalRaftRequest } from "../../proto/mod.ts";
import { type Caller, callerOfEntry } from "./caller.ts";
import { administrationDenial } from "./checks.ts";
import { hashOfEntry } from "./passwords.ts";
import type { AuthStore } from "./store.ts";
import type { Tokens } from "./tokens.ts";

/** Something was changed as asked; the rest of the answer is its header. */
export interface Done {
  readonly done: true;
}

/** What applying a request gives, unless it fails: the fields of etcd's responses. */
export interface AuthAnswers {
  authEnable: Done;
  authDisable: Done;
  authStatus: { readonly enabled: boolean; readonly authRevision: number };
  /** Whose login it was; and the index of its entry, which is part of a simple token. */
  authenticate: { readonly caller: Caller; readonly index: number };
  authUserAdd: Done;
  authUserDelete: Done;
  authUserGet: { readonly roles: readonly string[] };
  authUserChangePassword: Done;
  authUserGrantRole: Done;
  authUserRevokeRole: Done;
  authUserList: { readonly users: readonly string[] };
  authRoleList: { readonly roles: readonly string[] };
  authRoleAdd: Done;
  authRoleDelete: Done;
  authRoleGet: { readonly perm: readonly authpb.Permission[] };
  authRoleGrantPermission: Done;
  authRoleRevokePermission: Done;
}

type Refused = { readonly failure: EtcdErrorName };
export type AuthOutcome = AuthAnswers[keyof AuthAnswers] | Refused;

const done: Done = { done: true };

/** Applies the entries that concern users and roles. The same on every member. */
export class AuthApplier {
  readonly #store: AuthStore;
  readonly #tokens: Tokens;

  constructor(store: AuthStore, tokens: Tokens) {
    this.#store = store;
    this.#tokens = tokens;
  }

  /** Undefined if the request is about something else. */
  apply(request: InternalRaftRequest, index: number): AuthOutcome | undefined {
    const caller = callerOfEntry(request.header);
    return this.#open(request, caller, index) ?? this.#forRoot(request, caller, index);
  }

  /** What needs no root: to log in, to ask whether one must, and to ask about oneself. */
  #open(request: InternalRaftRequest, caller: Caller, index: number): AuthOutcome | undefined {
    const { authenticate, authStatus, authUserGet, authRoleGet } = request;
    const store = this.#store;
    if (authenticate !== undefined) return this.#authenticate(authenticate.name, authenticate.simpleToken, index);
    if (authStatus !== undefined) return { enabled: store.enabled, authRevision: store.revision };
    if (authUserGet !== undefined) {
      const isSelf = authUserGet.name === caller.username;
      return (isSelf ? undefined : this.#denial(caller)) ?? this.#userGet(authUserGet.name);
    }
    if (authRoleGet !== undefined) {
      const isOwn = store.user(caller.username)?.roles.includes(authRoleGet.role) ?? false;
      return (isOwn ? undefined : this.#denial(caller)) ?? this.#roleGet(authRoleGet.role);
    }
    return undefined;
  }

  #forRoot(request: InternalRaftRequest, caller: Caller, index: number): AuthOutcome | undefined {
    const change = this.#changeOf(request, index);
    return change && (this.#denial(caller) ?? change());
  }

  #changeOf(request: InternalRaftRequest, index: number): (() => AuthOutcome) | undefined {
    const store = this.#store;
    const { authEnable, authDisable, authUserAdd, authUserDelete, authUserChangePassword, authUserGrantRole } = request;
    const { authUserRevokeRole, authUserList, authRoleList, authRoleAdd, authRoleDelete } = request;
    const { authRoleGrantPermission, authRoleRevokePermission } = request;
    if (authEnable !== undefined) return () => outcome(store.enable());
    if (authDisable !== undefined) return () => this.#disable();
    if (authUserAdd !== undefined) return () => outcome(store.addUser(hashed(authUserAdd, index)));
    if (authUserDelete !== undefined) {
      return () => this.#forgetting(authUserDelete.name, store.deleteUser(authUserDelete.name));
    }
    if (authUserChangePassword !== undefined) {
      return () =>
        this.#forgetting(authUserChangePassword.name, store.changePassword(hashed(authUserChangePassword, index)));
    }
    if (authUserGrantRole !== undefined) return () => outcome(store.grantRole(authUserGrantRole));
    if (authUserRevokeRole !== undefined) return () => outcome(store.revokeRole(authUserRevokeRole));
    if (authUserList !== undefined) return () => ({ users: store.users() });
    if (authRoleList !== undefined) return () => ({ roles: store.roles() });
    if (authRoleAdd !== undefined) return () => outcome(store.addRole(authRoleAdd.name));
    if (authRoleDelete !== undefined) return () => outcome(store.deleteRole(authRoleDelete.role));
    if (authRoleGrantPermission !== undefined) return () => outcome(store.grantPermission(authRoleGrantPermission));
    if (authRoleRevokePermission !== undefined) return () => outcome(store.revokePermission(authRoleRevokePermission));
    return undefined;
  }

  #denial(caller: Caller): Refused | undefined {
    const denied = this.#store.enabled ? administrationDenial(this.#store, caller) : undefined;
    return denied && { failure: denied };
  }

  /** The password was checked before the login was proposed. The user may have changed since. */
  #authenticate(name: string, prefix: string, index: number): AuthOutcome {
    const { enabled, revision } = this.#store;
    if (!enabled) return { failure: "AuthNotEnabled" };
    const user = this.#store.user(name);
    if (user === undefined || user.noPassword) return { failure: "AuthFailed" };
    this.#tokens.assign(name, prefix, index);
    return { caller: { username: name, authRevision: revision }, index };
  }

  #disable(): AuthOutcome {
    if (this.#store.enabled) this.#tokens.forgetAll();
    return outcome(this.#store.disable());
  }

  #forgetting(username: string, failure: EtcdErrorName | undefined): AuthOutcome {
    if (failure === undefined) this.#tokens.forgetUser(username);
    return outcome(failure);
  }

  #userGet(name: string): AuthOutcome {
    const user = this.#store.user(name);
    return user === undefined ? { failure: "UserNotFound" } : { roles: user.roles };
  }

  #roleGet(role: string): AuthOutcome {
    const perm = this.#store.permissionsOf(role);
    return perm === undefined ? { failure: "RoleNotFound" } : { perm };
  }
}

interface WithPassword {
  readonly password: string;
  readonly hashedPassword: string;
}

/** With the hash that members of etcd before 3.5 made only now. */
function hashed<T extends WithPassword>(request: T, index: number): T {
  if (request.password === "" || request.hashedPassword !== "") return request;
  const hashedPassword = Buffer.from(hashOfEntry(request.password, index)).toString("base64");
  return { ...request, hashedPassword };
}

function outcome(failure: EtcdErrorName | undefined): AuthOutcome {
  return failure === undefined ? done : { failure };
}
