export { type RunningPolicies, type StartPoliciesOptions, startPolicies } from "./start.ts";
