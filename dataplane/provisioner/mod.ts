export { provisionerName } from "./names.ts";
export { type RunningProvisioner, type StartProvisionerOptions, startProvisioner } from "./start.ts";
