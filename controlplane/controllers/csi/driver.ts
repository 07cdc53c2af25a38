import type { Client as GrpcClient, ServiceError } from "@grpc/grpc-js";
import { csi, type Init, type Method, statusName } from "../../../proto/mod.ts";

/** Calls a method of a CSI driver. Rejects with CsiError. */
export interface CsiCaller {
  call<Request, Response>(method: Method<Request, Response, "unary">, request: Init<Request>): Promise<Response>;
}

/** What a driver answers when it does not do what it was asked. `code`: gRPC's name of it, such as `ResourceExhausted`. */
export class CsiError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Volumes can be large: the external programs of the original wait this long, too. */
const timeoutMs = 60_000;

/** A driver behind a socket (`unix:///path`). Connects with the first call, and again whenever the driver comes back. */
export class CsiSocket implements CsiCaller {
  readonly #endpoint: string;
  #client: Promise<GrpcClient> | undefined;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async call<Request, Response>(method: Method<Request, Response, "unary">, request: Init<Request>): Promise<Response> {
    this.#client ??= open(this.#endpoint);
    const client = await this.#client;
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    client.makeUnaryRequest(
      method.path,
      (value: Init<Request>) => Buffer.from(method.request.encode(value)),
      (bytes) => method.response.decode(bytes),
      request,
      { deadline: new Date(Date.now() + timeoutMs) },
      (error, response) => {
        if (error !== null) reject(toCsiError(error));
        else if (response === undefined) reject(new CsiError("Unknown", `${method.name} was not answered`));
        else resolve(response);
      },
    );
    return promise;
  }

  async close(): Promise<void> {
    (await this.#client)?.close();
  }
}

/** Only who uses a driver pays for the library. */
async function open(endpoint: string): Promise<GrpcClient> {
  const { Client, credentials } = await import("@grpc/grpc-js");
  // A driver that restarts is back in a moment: the library would wait ever longer, up to two minutes.
  return new Client(endpoint, credentials.createInsecure(), { "grpc.max_reconnect_backoff_ms": 1000 });
}

function toCsiError(error: ServiceError): CsiError {
  return new CsiError(
    statusName(error.code),
    `rpc error: code = ${statusName(error.code)} desc = ${error.details}`,
    error,
  );
}

/** What a driver says that it is and can do. */
export interface DriverInfo {
  readonly name: string;
  /** Its volumes are not within reach of every node. */
  readonly hasTopology: boolean;
  readonly canCreate: boolean;
  readonly canPublish: boolean;
  readonly canExpand: boolean;
  /** It tells "one pod" from "one node". */
  readonly knowsSingleWriter: boolean;
}

export async function describeDriver(caller: CsiCaller): Promise<DriverInfo> {
  const { name } = await caller.call(csi.IdentityService.methods.getPluginInfo, {});
  const plugin = await caller.call(csi.IdentityService.methods.getPluginCapabilities, {});
  const service = new Set(plugin.capabilities.map((it) => it.service?.type));
  const kinds = csi.PluginCapabilityServiceType;
  const hasController = service.has(kinds.CONTROLLER_SERVICE);
  const { capabilities = [] } = hasController
    ? await caller.call(csi.ControllerService.methods.controllerGetCapabilities, {})
    : {};
  const rpcs = new Set(capabilities.map(({ rpc }) => rpc?.type));
  const known = csi.ControllerServiceCapabilityRPCType;
  return {
    name,
    hasTopology: service.has(kinds.VOLUME_ACCESSIBILITY_CONSTRAINTS),
    canCreate: rpcs.has(known.CREATE_DELETE_VOLUME),
    canPublish: rpcs.has(known.PUBLISH_UNPUBLISH_VOLUME),
    canExpand: rpcs.has(known.EXPAND_VOLUME),
    knowsSingleWriter: rpcs.has(known.SINGLE_NODE_MULTI_WRITER),
  };
}
