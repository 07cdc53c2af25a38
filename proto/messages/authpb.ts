import { bool, bytes, embedded, enumeration, named, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const PermissionType = { READ: 0, WRITE: 1, READWRITE: 2 } as const;
export type PermissionType = (typeof PermissionType)[keyof typeof PermissionType];

export const UserAddOptions = message("authpb.UserAddOptions", { noPassword: bool(1) });
export type UserAddOptions = Infer<typeof UserAddOptions>;

export const User = message("authpb.User", {
  name: bytes(1),
  password: bytes(2),
  roles: repeated(string(3)),
  options: embedded(4, () => UserAddOptions),
});
export type User = Infer<typeof User>;

export const Permission = message("authpb.Permission", {
  permType: named("permType", enumeration(1, PermissionType)),
  key: bytes(2),
  rangeEnd: bytes(3),
});
export type Permission = Infer<typeof Permission>;

export const Role = message("authpb.Role", {
  name: bytes(1),
  keyPermission: named("keyPermission", repeated(embedded(2, () => Permission))),
});
export type Role = Infer<typeof Role>;
