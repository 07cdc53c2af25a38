import { createHash } from "node:crypto";
import type { ServiceError } from "@grpc/grpc-js";
import type { Clock } from "../../../../base/mod.ts";
import { csi, type Init, type Method, statusName } from "../../../../proto/mod.ts";
import { CriTransport } from "../../runtime/grpc/transport.ts";

/** Mounting may have to wait for a network: the original's patience with drivers. */
const timeoutMs = 120_000;

/** What a driver answers when it does not do what it was asked. */
export class CsiError extends Error {}

/** The node service of a CSI driver, behind its socket. Every call rejects with CsiError, in the words users know from gRPC. */
export class CsiDriver {
  readonly name: string;
  readonly #transport: CriTransport;
  #capabilities: Promise<ReadonlySet<csi.NodeServiceCapabilityRPCType | undefined>> | undefined;

  private constructor(name: string, transport: CriTransport) {
    this.name = name;
    this.#transport = transport;
  }

  static async open(name: string, endpoint: string, clock: Clock): Promise<CsiDriver> {
    return new CsiDriver(name, await CriTransport.open(endpoint, clock));
  }

  async call<Request, Response>(method: Method<Request, Response, "unary">, request: Init<Request>): Promise<Response> {
    try {
      return await this.#transport.call(method, request, timeoutMs);
    } catch (error) {
      const { code, details } = (error as Error).cause as ServiceError;
      throw new CsiError(`rpc error: code = ${statusName(code)} desc = ${details}`, { cause: error });
    }
  }

  /** Asked once for as long as the driver is registered. */
  capabilities(): Promise<ReadonlySet<csi.NodeServiceCapabilityRPCType | undefined>> {
    this.#capabilities ??= this.call(csi.NodeService.methods.nodeGetCapabilities, {}).then(
      ({ capabilities }) => new Set(capabilities.map(({ rpc }) => rpc?.type)),
    );
    this.#capabilities.catch(() => {
      this.#capabilities = undefined;
    });
    return this.#capabilities;
  }

  close(): void {
    this.#transport.close();
  }
}

/** What a node calls a volume in its status. */
export function uniqueName(driver: string, volumeHandle: string): string {
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}

/** As the attach-detach controller derives it. */
export function attachmentName(driver: string, volumeHandle: string, nodeName: string): string {
  return `csi-${createHash("sha256").update(`${volumeHandle}${driver}${nodeName}`).digest("hex")}`;
}
