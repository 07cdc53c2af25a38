import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "./types.ts";

const forwarded = new WeakMap<object, Peer>();

/** Requests that came over HTTP/2 reach the HTTP/1.1 handler through a pipe; this says who is behind it. */
export function setPeer(pipe: object, peer: Peer): void {
  forwarded.set(pipe, peer);
}

export function peerOf(socket: Socket): Peer {
  const known = forwarded.get(socket);
  if (known !== undefined) return known;
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
