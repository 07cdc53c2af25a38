import { type AuthenticateRequest, AuthService, type EtcdErrorName, Status } from "../../proto/mod.ts";
import { type AuthAnswers, passwordTooLong } from "../auth/mod.ts";
import { type Failure, isFailure } from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import type { Access } from "./access.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { type Call, type Implementation, implement, RpcError } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";

type Request<Kind extends keyof AuthAnswers> = Parameters<typeof Member.prototype.proposed<Kind>>[1];

/**
 * The Auth service. All of it goes through the log, reading too, so that each answer is as of one entry; who may, is asked where
 * the entry is applied. Passwords are hashed and compared here, before anything is proposed: the log has none.
 */
export function authService(member: Member, headers: Headers, access: Access): Implementation {
  const { passwords, store, tokens } = member.auth;

  async function applied<Kind extends keyof AuthAnswers>(kind: Kind, request: Request<Kind>, call: Call) {
    // Who logs in need not be anybody yet.
    const caller = kind === "authenticate" ? undefined : access.caller(call);
    const answer: AuthAnswers[Kind] | Failure<EtcdErrorName> = await member.proposed(kind, request, caller);
    if (isFailure(answer)) throw failureToRpcError(answer);
    return answer;
  }

  /** For changes, whose answer is a header. */
  async function change<Kind extends keyof AuthAnswers>(
    kind: Kind,
    request: Request<Kind>,
    call: Call & { reply(message: { header: ReturnType<typeof headers.current> }): void },
  ): Promise<void> {
    await applied(kind, request, call);
    call.reply({ header: headers.current() });
  }

  async function hash(password: string): Promise<string> {
    const hashed = await passwords.hash(password);
    if (hashed === undefined) throw new RpcError(Status.Unknown, passwordTooLong);
    return Buffer.from(hashed).toString("base64");
  }

  /** Gives the revision at which the password was right. */
  async function checkPassword({ name, password }: AuthenticateRequest): Promise<number> {
    if (!store.enabled) throw rpcError("AuthNotEnabled");
    const user = store.user(name);
    if (user === undefined) throw rpcError("AuthFailed");
    if (user.noPassword) throw rpcError("NoPasswordUser");
    const { revision } = store;
    if (await passwords.matches(password, user.password)) return revision;
    member.log("warn", "somebody gave a wrong password", { user: name });
    throw rpcError("AuthFailed");
  }

  return implement(AuthService, {
    async authenticate(request, call) {
      await upToDate(member);
      for (;;) {
        const checkedRevision = await checkPassword(request);
        const simpleToken = tokens.drawPrefix();
        const { caller, index } = await applied("authenticate", { name: request.name, simpleToken }, call);
        // Meanwhile the password may have become another.
        if (checkedRevision !== store.revision) continue;
        const token = tokens.issue(caller, simpleToken, index);
        if (token === "VerifyOnlyKey" || token === "AuthFailed") throw rpcError(token);
        call.reply({ header: headers.current(), token });
        return;
      }
    },

    async authStatus(request, call) {
      const answer = await applied("authStatus", request, call);
      call.reply({ header: headers.current(), ...answer });
    },
    authEnable: (request, call) => change("authEnable", request, call),
    authDisable: (request, call) => change("authDisable", request, call),

    async userAdd({ name, password, options }, call) {
      const hashedPassword = options?.noPassword ? "" : await hash(password);
      await change("authUserAdd", { name, options, hashedPassword }, call);
    },
    async userChangePassword({ name, password, hashedPassword }, call) {
      const hashed = password === "" ? hashedPassword : await hash(password);
      await change("authUserChangePassword", { name, hashedPassword: hashed }, call);
    },
    userDelete: (request, call) => change("authUserDelete", request, call),
    userGrantRole: (request, call) => change("authUserGrantRole", request, call),
    userRevokeRole: (request, call) => change("authUserRevokeRole", request, call),
    async userGet(request, call) {
      const answer = await applied("authUserGet", request, call);
      call.reply({ header: headers.current(), ...answer });
    },
    async userList(request, call) {
      const answer = await applied("authUserList", request, call);
      call.reply({ header: headers.current(), ...answer });
    },

    roleAdd: (request, call) => change("authRoleAdd", request, call),
    roleDelete: (request, call) => change("authRoleDelete", request, call),
    roleGrantPermission: (request, call) => change("authRoleGrantPermission", request, call),
    roleRevokePermission: (request, call) => change("authRoleRevokePermission", request, call),
    async roleGet(request, call) {
      const answer = await applied("authRoleGet", request, call);
      call.reply({ header: headers.current(), ...answer });
    },
    async roleList(request, call) {
      const answer = await applied("authRoleList", request, call);
      call.reply({ header: headers.current(), ...answer });
    },
  });
}

/** Resolves when every change of users that was acknowledged before is known here. */
function upToDate(member: Member): Promise<void> {
  return new Promise((resolve, reject) => {
    member.linearizable((failure) => {
      if (failure === undefined) resolve();
      else reject(rpcError(failure));
    });
  });
}
