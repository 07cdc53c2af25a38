import { bool, bytes, embedded, named, repeated, string, uint64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { Permission, UserAddOptions } from "./authpb.ts";
import { ResponseHeader } from "./header.ts";

export const AuthEnableRequest = message("etcdserverpb.AuthEnableRequest", {});
export type AuthEnableRequest = Infer<typeof AuthEnableRequest>;

export const AuthDisableRequest = message("etcdserverpb.AuthDisableRequest", {});
export type AuthDisableRequest = Infer<typeof AuthDisableRequest>;

export const AuthStatusRequest = message("etcdserverpb.AuthStatusRequest", {});
export type AuthStatusRequest = Infer<typeof AuthStatusRequest>;

export const AuthenticateRequest = message("etcdserverpb.AuthenticateRequest", {
  name: string(1),
  password: string(2),
});
export type AuthenticateRequest = Infer<typeof AuthenticateRequest>;

export const AuthUserAddRequest = message("etcdserverpb.AuthUserAddRequest", {
  name: string(1),
  password: string(2),
  options: embedded(3, () => UserAddOptions),
  hashedPassword: named("hashedPassword", string(4)),
});
export type AuthUserAddRequest = Infer<typeof AuthUserAddRequest>;

export const AuthUserGetRequest = message("etcdserverpb.AuthUserGetRequest", { name: string(1) });
export type AuthUserGetRequest = Infer<typeof AuthUserGetRequest>;

export const AuthUserDeleteRequest = message("etcdserverpb.AuthUserDeleteRequest", { name: string(1) });
export type AuthUserDeleteRequest = Infer<typeof AuthUserDeleteRequest>;

export const AuthUserChangePasswordRequest = message("etcdserverpb.AuthUserChangePasswordRequest", {
  name: string(1),
  password: string(2),
  hashedPassword: named("hashedPassword", string(3)),
});
export type AuthUserChangePasswordRequest = Infer<typeof AuthUserChangePasswordRequest>;

export const AuthUserGrantRoleRequest = message("etcdserverpb.AuthUserGrantRoleRequest", {
  user: string(1),
  role: string(2),
});
export type AuthUserGrantRoleRequest = Infer<typeof AuthUserGrantRoleRequest>;

export const AuthUserRevokeRoleRequest = message("etcdserverpb.AuthUserRevokeRoleRequest", {
  name: string(1),
  role: string(2),
});
export type AuthUserRevokeRoleRequest = Infer<typeof AuthUserRevokeRoleRequest>;

export const AuthRoleAddRequest = message("etcdserverpb.AuthRoleAddRequest", { name: string(1) });
export type AuthRoleAddRequest = Infer<typeof AuthRoleAddRequest>;

export const AuthRoleGetRequest = message("etcdserverpb.AuthRoleGetRequest", { role: string(1) });
export type AuthRoleGetRequest = Infer<typeof AuthRoleGetRequest>;

export const AuthUserListRequest = message("etcdserverpb.AuthUserListRequest", {});
export type AuthUserListRequest = Infer<typeof AuthUserListRequest>;

export const AuthRoleListRequest = message("etcdserverpb.AuthRoleListRequest", {});
export type AuthRoleListRequest = Infer<typeof AuthRoleListRequest>;

export const AuthRoleDeleteRequest = message("etcdserverpb.AuthRoleDeleteRequest", { role: string(1) });
export type AuthRoleDeleteRequest = Infer<typeof AuthRoleDeleteRequest>;

export const AuthRoleGrantPermissionRequest = message("etcdserverpb.AuthRoleGrantPermissionRequest", {
  name: string(1),
  perm: embedded(2, () => Permission),
});
export type AuthRoleGrantPermissionRequest = Infer<typeof AuthRoleGrantPermissionRequest>;

export const AuthRoleRevokePermissionRequest = message("etcdserverpb.AuthRoleRevokePermissionRequest", {
  role: string(1),
  key: bytes(2),
  rangeEnd: bytes(3),
});
export type AuthRoleRevokePermissionRequest = Infer<typeof AuthRoleRevokePermissionRequest>;

export const AuthEnableResponse = message("etcdserverpb.AuthEnableResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthEnableResponse = Infer<typeof AuthEnableResponse>;

export const AuthDisableResponse = message("etcdserverpb.AuthDisableResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthDisableResponse = Infer<typeof AuthDisableResponse>;

export const AuthStatusResponse = message("etcdserverpb.AuthStatusResponse", {
  header: embedded(1, () => ResponseHeader),
  enabled: bool(2),
  authRevision: named("authRevision", uint64(3)),
});
export type AuthStatusResponse = Infer<typeof AuthStatusResponse>;

export const AuthenticateResponse = message("etcdserverpb.AuthenticateResponse", {
  header: embedded(1, () => ResponseHeader),
  token: string(2),
});
export type AuthenticateResponse = Infer<typeof AuthenticateResponse>;

export const AuthUserAddResponse = message("etcdserverpb.AuthUserAddResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthUserAddResponse = Infer<typeof AuthUserAddResponse>;

export const AuthUserGetResponse = message("etcdserverpb.AuthUserGetResponse", {
  header: embedded(1, () => ResponseHeader),
  roles: repeated(string(2)),
});
export type AuthUserGetResponse = Infer<typeof AuthUserGetResponse>;

export const AuthUserDeleteResponse = message("etcdserverpb.AuthUserDeleteResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthUserDeleteResponse = Infer<typeof AuthUserDeleteResponse>;

export const AuthUserChangePasswordResponse = message("etcdserverpb.AuthUserChangePasswordResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthUserChangePasswordResponse = Infer<typeof AuthUserChangePasswordResponse>;

export const AuthUserGrantRoleResponse = message("etcdserverpb.AuthUserGrantRoleResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthUserGrantRoleResponse = Infer<typeof AuthUserGrantRoleResponse>;

export const AuthUserRevokeRoleResponse = message("etcdserverpb.AuthUserRevokeRoleResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthUserRevokeRoleResponse = Infer<typeof AuthUserRevokeRoleResponse>;

export const AuthRoleAddResponse = message("etcdserverpb.AuthRoleAddResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthRoleAddResponse = Infer<typeof AuthRoleAddResponse>;

export const AuthRoleGetResponse = message("etcdserverpb.AuthRoleGetResponse", {
  header: embedded(1, () => ResponseHeader),
  perm: repeated(embedded(2, () => Permission)),
});
export type AuthRoleGetResponse = Infer<typeof AuthRoleGetResponse>;

export const AuthRoleListResponse = message("etcdserverpb.AuthRoleListResponse", {
  header: embedded(1, () => ResponseHeader),
  roles: repeated(string(2)),
});
export type AuthRoleListResponse = Infer<typeof AuthRoleListResponse>;

export const AuthUserListResponse = message("etcdserverpb.AuthUserListResponse", {
  header: embedded(1, () => ResponseHeader),
  users: repeated(string(2)),
});
export type AuthUserListResponse = Infer<typeof AuthUserListResponse>;

export const AuthRoleDeleteResponse = message("etcdserverpb.AuthRoleDeleteResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthRoleDeleteResponse = Infer<typeof AuthRoleDeleteResponse>;

export const AuthRoleGrantPermissionResponse = message("etcdserverpb.AuthRoleGrantPermissionResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthRoleGrantPermissionResponse = Infer<typeof AuthRoleGrantPermissionResponse>;

export const AuthRoleRevokePermissionResponse = message("etcdserverpb.AuthRoleRevokePermissionResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type AuthRoleRevokePermissionResponse = Infer<typeof AuthRoleRevokePermissionResponse>;
