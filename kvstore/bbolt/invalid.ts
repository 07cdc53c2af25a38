import { Failure } from "../../base/mod.ts";

/** The file is not, or is no longer, what bbolt wrote. Messages of the first check are bbolt's. */
export function invalid(what: string): Failure {
  return new Failure("InvalidDatabase", what, "Take the snapshot again, or another copy of the file");
}
