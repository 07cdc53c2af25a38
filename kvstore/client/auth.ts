import { AuthService } from "../../proto/mod.ts";
import type { Channel } from "./channel.ts";
import type { AuthClient, CallOptions } from "./types.ts";

const { authEnable, authDisable, authStatus, authenticate } = AuthService.methods;
const { userAdd, userDelete, userGet, userList, userChangePassword, userGrantRole, userRevokeRole } =
  AuthService.methods;
const { roleAdd, roleDelete, roleGet, roleList, roleGrantPermission, roleRevokePermission } = AuthService.methods;

export function authClient(channel: Channel): AuthClient {
  const read = (options?: CallOptions) => ({ ...options, isWrite: false });
  const write = (options?: CallOptions) => ({ ...options, isWrite: true });
  const noPassword = { password: "", options: { noPassword: true } };
  return {
    enable: (options) => channel.unary(authEnable, {}, write(options)),
    disable: (options) => channel.unary(authDisable, {}, write(options)),
    status: (options) => channel.unary(authStatus, {}, read(options)),
    authenticate: (name, password, options) => channel.unary(authenticate, { name, password }, read(options)),
    userAdd: (name, password, options) =>
      channel.unary(userAdd, password === undefined ? { name, ...noPassword } : { name, password }, write(options)),
    userDelete: (name, options) => channel.unary(userDelete, { name }, write(options)),
    userGet: (name, options) => channel.unary(userGet, { name }, read(options)),
    userList: (options) => channel.unary(userList, {}, read(options)),
    userChangePassword: (name, password, options) =>
      channel.unary(userChangePassword, { name, password }, write(options)),
    userGrantRole: (user, role, options) => channel.unary(userGrantRole, { user, role }, write(options)),
    userRevokeRole: (name, role, options) => channel.unary(userRevokeRole, { name, role }, write(options)),
    roleAdd: (name, options) => channel.unary(roleAdd, { name }, write(options)),
    roleDelete: (role, options) => channel.unary(roleDelete, { role }, write(options)),
    roleGet: (role, options) => channel.unary(roleGet, { role }, read(options)),
    roleList: (options) => channel.unary(roleList, {}, read(options)),
    roleGrantPermission: (name, perm, options) => channel.unary(roleGrantPermission, { name, perm }, write(options)),
    roleRevokePermission: (role, keys, options) =>
      channel.unary(roleRevokePermission, { role, ...keys }, write(options)),
  };
}
