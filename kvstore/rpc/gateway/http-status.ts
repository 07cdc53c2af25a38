import { Status } from "../../../proto/mod.ts";

/** What HTTP makes of a gRPC status (grpc-gateway's `HTTPStatusFromCode`). */
const httpStatuses: Readonly<Record<Status, number>> = {
  [Status.OK]: 200,
  [Status.Canceled]: 499,
  [Status.Unknown]: 500,
  [Status.InvalidArgument]: 400,
  [Status.DeadlineExceeded]: 504,
  [Status.NotFound]: 404,
  [Status.AlreadyExists]: 409,
  [Status.PermissionDenied]: 403,
  [Status.ResourceExhausted]: 429,
  [Status.FailedPrecondition]: 400,
  [Status.Aborted]: 409,
  [Status.OutOfRange]: 400,
  [Status.Unimplemented]: 501,
  [Status.Internal]: 500,
  [Status.Unavailable]: 503,
  [Status.DataLoss]: 500,
  [Status.Unauthenticated]: 401,
};

export function httpStatusOf(code: Status): number {
  return httpStatuses[code] ?? 500;
}
