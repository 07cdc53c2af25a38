export type { ControllerManager, ControllerManagerOptions } from "./start.ts";
export { startControllerManager } from "./start.ts";
