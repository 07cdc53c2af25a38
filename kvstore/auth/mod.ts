export type { AuthAnswers } from "./applier.ts";
export { Auth, type AuthOptions } from "./auth.ts";
export { type Caller, type Credentials, nobody, tokenOf } from "./caller.ts";
export {
  type AttachedKeys,
  administrationDenial,
  type Denial,
  leaseReadDenial,
  leaseWriteDenial,
  readDenial,
  txnDenial,
} from "./checks.ts";
export { passwordTooLong } from "./passwords.ts";
export { type AuthBuckets, type AuthRecords, readAuthRecords } from "./records.ts";
