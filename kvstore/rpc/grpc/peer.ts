import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "./types.ts";

export function peerOf(socket: Socket): Peer {
  const { remoteAddress, remotePort } = socket;
  const address = remoteAddress === undefined ? "unix" : `${remoteAddress}:${remotePort}`;
  const encrypted = socket instanceof TLSSocket;
  return { address, encrypted, certificate: encrypted ? certificateOf(socket) : undefined };
}

function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  if (!socket.authorized) return undefined;
  const { subject, raw } = socket.getPeerCertificate();
  if (raw === undefined) return undefined;
  return { commonName: [subject.CN].flat()[0] ?? "", organizations: [subject.O ?? []].flat(), raw };
}
