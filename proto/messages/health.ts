import { enumeration, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
export type ServingStatus = (typeof ServingStatus)[keyof typeof ServingStatus];

export const HealthCheckRequest = message("grpc.health.v1.HealthCheckRequest", { service: string(1) });
export type HealthCheckRequest = Infer<typeof HealthCheckRequest>;

export const HealthCheckResponse = message("grpc.health.v1.HealthCheckResponse", {
  status: enumeration(1, ServingStatus),
});
export type HealthCheckResponse = Infer<typeof HealthCheckResponse>;
