export type { MemberOptions } from "./server/options.ts";
export type { PeerTls } from "./server/peer/network.ts";
export { type RunningMember, startMember } from "./start.ts";
