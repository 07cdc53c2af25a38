import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import { Failure, type Log } from "../../base/mod.ts";
import { framed, type Transport } from "./upstream.ts";

/** Bytes of a query to bytes of its response; undefined: no response. Never rejects. */
export type Respond = (query: Buffer, transport: Transport) => Promise<Buffer | undefined>;

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one, the same for both transports. */
  readonly port: number;
}

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** A client that neither asks nor hangs up is hung up on after this time. */
const idleMs = 10_000;
const mostConnections = 1_000;
/** Of one connection; one that asks on is not read from until some are answered. */
const mostUnderWay = 100;

/** Serves one address over UDP and TCP. */
export async function listen(address: ListenAddress, respond: Respond, log: Log): Promise<Listening> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(socket, respond, log);
  });
  server.maxConnections = mostConnections;
  const port = await listenTcp(server, address);
  const closeTcp = () => {
    for (const socket of connections) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  let udp: UdpSocket;
  try {
    udp = await listenUdp({ host: address.host, port }, respond, log);
  } catch (error) {
    await closeTcp();
    throw error;
  }
  return {
    port,
    async close() {
      await Promise.all([new Promise<void>((resolve) => udp.close(() => resolve())), closeTcp()]);
    },
  };
}

function taken({ host, port }: ListenAddress, error: Error): Failure {
  return new Failure(
    "PortTaken",
    `cannot serve DNS on ${host}:${port}: ${error.message}`,
    "Stop what uses the address, or choose another with --listen",
    error,
  );
}

function listenTcp(server: Server, address: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(taken(address, error)));
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : address.port);
    });
  });
}

function listenUdp(address: ListenAddress, respond: Respond, log: Log): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address.host) ? "udp6" : "udp4");
    let open = true;
    const refuse = (error: Error) => {
      socket.close();
      reject(taken(address, error));
    };
    socket.once("error", refuse);
    socket.on("close", () => {
      open = false;
    });
    socket.on("message", (query, { address: client, port }) => {
      void respond(query, "udp").then((response) => {
        // A client that is gone, or has no route, is its own affair.
        if (response !== undefined && open) socket.send(response, port, client, () => undefined);
      });
    });
    socket.bind(address.port, address.host, () => {
      socket.off("error", refuse);
      socket.on("error", (error) => log("warn", "the UDP socket reports an error", { error: error.message }));
      resolve(socket);
    });
  });
}

/** Queries may follow each other without waiting; each response is sent when it is known (RFC 7766 §6.2.1.1, §7). */
function serveConnection(socket: Socket, respond: Respond, log: Log): void {
  let received: Buffer = Buffer.alloc(0);
  let underWay = 0;
  let ended = false;
  const endIfDone = () => {
    if (ended && underWay === 0) socket.end();
  };
  const take = () => {
    while (underWay < mostUnderWay && received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0);
      const query = received.subarray(2, 2 + length);
      received = received.subarray(2 + length);
      underWay++;
      void respond(query, "tcp").then((response) => {
        underWay--;
        if (response === undefined) socket.destroy();
        else if (socket.writable) socket.write(framed(response));
        take();
        if (underWay < mostUnderWay) socket.resume();
        endIfDone();
      });
    }
    if (underWay >= mostUnderWay) socket.pause();
  };
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on("error", (error) => log("debug", "a connection broke", { error: error.message }));
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    take();
  });
  socket.on("end", () => {
    ended = true;
    endIfDone();
  });
}
