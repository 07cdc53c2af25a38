import { InternalRaftRequest, v2pb, WireError } from "../../proto/mod.ts";
import { parseJson } from "./json.ts";

/** Reads an entry of the log. Those that etcd up to 3.4 wrote of members and versions, in the terms of its v2 API, come out as what
 * they mean; a log that was taken over may end with such. */
export function decodeRequest(data: Uint8Array): InternalRaftRequest {
  try {
    return InternalRaftRequest.decode(data);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return ofV2(v2pb.Request.decode(data));
  }
}

/** Asks for nothing that a store without the v2 API has. */
export function isNothing(request: InternalRaftRequest): boolean {
  return request === nothing;
}

const nothing = InternalRaftRequest.create({});

function ofV2({ id, method, path, val }: v2pb.Request): InternalRaftRequest {
  const member = /^\/0\/members\/([0-9a-f]+)\/attributes$/.exec(path)?.[1];
  if (method === "PUT" && member !== undefined) {
    const { name = "", clientURLs: clientUrls = [] } = parseJson(val) as { name?: string; clientURLs?: string[] };
    const memberID = BigInt(`0x${member}`);
    return InternalRaftRequest.create({
      id,
      clusterMemberAttrSet: { memberID, memberAttributes: { name, clientUrls } },
    });
  }
  if (method === "PUT" && path === "/0/version") {
    return InternalRaftRequest.create({ id, clusterVersionSet: { ver: val } });
  }
  return nothing;
}
