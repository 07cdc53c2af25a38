export { RpcError } from "./error.ts";
export { implement } from "./implement.ts";
export type { Caller, CallListener, OutgoingCall } from "./local-call.ts";
export { LocalCalls } from "./local-calls.ts";
export { peerOf } from "./peer.ts";
export { MethodCounters, routesOf } from "./route.ts";
export { createGrpcServer } from "./server.ts";
export type {
  BidiCall,
  BidiHandler,
  Call,
  CallObserver,
  EndedCall,
  GrpcServer,
  GrpcServerOptions,
  Handlers,
  Implementation,
  KeepaliveOptions,
  ListenAddress,
  Listening,
  MethodStats,
  Peer,
  PeerCertificate,
  Receiver,
  ServerStats,
  ServerStreamHandler,
  StreamCall,
  TlsOptions,
  UnaryCall,
  UnaryHandler,
} from "./types.ts";
