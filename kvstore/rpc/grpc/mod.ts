export { RpcError } from "./error.ts";
export { implement } from "./implement.ts";
export { createGrpcServer } from "./server.ts";
export type {
  BidiCall,
  BidiHandler,
  Call,
  GrpcServer,
  GrpcServerOptions,
  Handlers,
  Implementation,
  KeepaliveOptions,
  ListenAddress,
  Listening,
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
