/** gRPC status codes, by the names of the specification. */
export const Status = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;
export type Status = (typeof Status)[keyof typeof Status];
export type StatusName = keyof typeof Status;

const names = Object.fromEntries(Object.entries(Status).map(([name, code]) => [code, name]));

/** `Unknown` for what is not a code, as clients must treat it. */
export function statusName(code: number): StatusName {
  return (names[code] ?? "Unknown") as StatusName;
}
