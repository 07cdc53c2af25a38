export { apiServerReadiness } from "./api-server-readiness.ts";
export {
  type Balancer,
  type BalancerOptions,
  type Listen,
  startBalancer,
  type Target,
  type Verdict,
} from "./balancer.ts";
