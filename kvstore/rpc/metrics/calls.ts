import { isUtf8 } from "node:buffer";
import { type MethodKind, type Status, statusName } from "../../../proto/mod.ts";
import type { Histogram, MemberMetrics, Registry, Sample } from "../../metrics/mod.ts";
import { rpcError } from "../errors.ts";
import type { Call, CallObserver, GrpcServer, MethodCounters } from "../grpc/mod.ts";

// The metrics of grpc-ecosystem/go-grpc-middleware, which etcd's server has.

const types: Readonly<Record<MethodKind, string>> = {
  unary: "unary",
  serverStream: "server_stream",
  bidi: "bidi_stream",
};

/** Prometheus' own default bounds. */
const handlingBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Labels = Readonly<Record<string, string>>;

/** Counts per method, which the server keeps anyway. Methods nobody has called are there too, at zero. */
export function readCalls(registry: Registry, server: () => Pick<GrpcServer, "methods" | "stats">): void {
  const perMethod = (name: string, help: string, samples: (counters: MethodCounters, labels: Labels) => Sample[]) =>
    registry.read(name, "counter", help, function* () {
      for (const { method, counters } of server().methods.values()) yield* samples(counters, labelsOf(method));
    });
  perMethod("grpc_server_started_total", "Total number of RPCs started on the server.", ({ started }, labels) => [
    { labels, value: started },
  ]);
  perMethod(
    "grpc_server_msg_received_total",
    "Total number of RPC stream messages received on the server.",
    ({ received }, labels) => [{ labels, value: received }],
  );
  perMethod(
    "grpc_server_msg_sent_total",
    "Total number of gRPC stream messages sent by the server.",
    ({ sent }, labels) => [{ labels, value: sent }],
  );
  perMethod(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
    ({ handled }, labels) =>
      handled.map((value, code) => ({ labels: { grpc_code: statusName(code), ...labels }, value })),
  );
  registry.read(
    "etcd_network_client_grpc_received_bytes_total",
    "counter",
    "The total number of bytes received from grpc clients.",
    () => server().stats.receivedBytes,
  );
  registry.read(
    "etcd_network_client_grpc_sent_bytes_total",
    "counter",
    "The total number of bytes sent to grpc clients.",
    () => server().stats.sentBytes,
  );
}

interface Method {
  readonly name: string;
  readonly path: string;
  readonly kind: MethodKind;
}

function labelsOf({ name, path, kind }: Method): Labels {
  return { grpc_method: name, grpc_service: path.split("/")[1] ?? "", grpc_type: types[kind] };
}

/** Of one method: how long its calls took. */
interface Durations {
  readonly succeeded: Histogram;
  readonly failed: Histogram;
  readonly handling: Histogram | undefined;
}

/** How long calls take: those that etcd's server times, and with `extensive` all. */
export function timeCalls(metrics: MemberMetrics, extensive: boolean): CallObserver {
  const labels = ["grpc_method", "grpc_service", "grpc_type"];
  const help = "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.";
  const handling = extensive
    ? metrics.registry.histograms("grpc_server_handling_seconds", help, labels, handlingBounds)
    : undefined;
  const known = new Map<Method, Durations>();
  const durationsOf = (method: Method): Durations => {
    let durations = known.get(method);
    if (durations === undefined) {
      durations = {
        succeeded: metrics.requestSeconds.with(method.name, "true"),
        failed: metrics.requestSeconds.with(method.name, "false"),
        handling: handling?.with(...Object.values(labelsOf(method))),
      };
      known.set(method, durations);
    }
    return durations;
  };
  return {
    ended({ method }, code, tookMs) {
      const { succeeded, failed, handling } = durationsOf(method);
      handling?.observe(tookMs / 1000);
      // A stream ends when its client likes, which says nothing of the server.
      if (method.kind === "unary") (code === okStatus ? succeeded : failed).observe(tookMs / 1000);
    },
  };
}

const okStatus: Status = 0;

/**
 * Counts calls by the version that the client says it speaks. Throws for one that is no text, as etcd refuses it since 3.6: nobody
 * could read the page of metrics any more.
 */
export function countClients({ clientRequests }: MemberMetrics): (call: Call) => void {
  const unary = new Map<string, { value: number }>();
  const stream = new Map<string, { value: number }>();
  return (call) => {
    const isUnary = call.method.kind === "unary";
    const counters = isUnary ? unary : stream;
    const version = call.metadata("client-api-version") ?? "unknown";
    let counter = counters.get(version);
    if (counter === undefined) {
      const text = Buffer.from(version, "latin1"); // metadata is a character for each byte
      if (!isUtf8(text)) throw rpcError("InvalidClientAPIVersion");
      // Whoever makes versions up must not fill the memory.
      const isOneTooMany = counters.size >= mostVersions;
      counter = clientRequests.with(isUnary ? "unary" : "stream", isOneTooMany ? "other" : text.toString());
      if (!isOneTooMany) counters.set(version, counter);
    }
    counter.value++;
  };
}

const mostVersions = 100;

/** The observers one after the other. */
export function together(observers: readonly CallObserver[]): CallObserver {
  return {
    ended(call, code, tookMs) {
      for (const observer of observers) observer.ended(call, code, tookMs);
    },
  };
}
