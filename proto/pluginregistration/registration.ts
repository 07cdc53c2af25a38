import { service, unary } from "../method.ts";
import { bool, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const PluginInfo = message("pluginregistration.PluginInfo", {
  /** Such as CSIPlugin. */
  type: string(1),
  name: string(2),
  /** The socket of the driver itself; empty: the one that was asked. */
  endpoint: string(3),
  supportedVersions: repeated(string(4)),
});
export type PluginInfo = Infer<typeof PluginInfo>;

export const RegistrationStatus = message("pluginregistration.RegistrationStatus", {
  pluginRegistered: bool(1),
  error: string(2),
});
export type RegistrationStatus = Infer<typeof RegistrationStatus>;

export const RegistrationStatusResponse = message("pluginregistration.RegistrationStatusResponse", {});
export type RegistrationStatusResponse = Infer<typeof RegistrationStatusResponse>;

export const InfoRequest = message("pluginregistration.InfoRequest", {});
export type InfoRequest = Infer<typeof InfoRequest>;

export const RegistrationService = service("pluginregistration.Registration", {
  getInfo: unary("GetInfo", InfoRequest, PluginInfo),
  notifyRegistrationStatus: unary("NotifyRegistrationStatus", RegistrationStatus, RegistrationStatusResponse),
});
