import { DowngradeAction, type DowngradeRequest, Status } from "../../proto/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { downgradeOf, minorOf, parseVersion } from "../server/version.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { RpcError } from "./grpc/mod.ts";

/** Checks, begins or cancels a downgrade; gives the cluster's version, such as "3.7". What follows from one that was begun the leader
 * decides (`server/cluster-version.ts`). */
export async function downgrade(member: Member, { action, version }: DowngradeRequest): Promise<string> {
  switch (action) {
    case DowngradeAction.VALIDATE:
      await checkTarget(member, version);
      break;
    case DowngradeAction.ENABLE: {
      const ver = await checkTarget(member, version);
      await set(member, { enabled: true, ver });
      break;
    }
    case DowngradeAction.CANCEL:
      await upToDate(member);
      if (!member.membership.downgrade.enabled) throw rpcError("NoInflightDowngrade");
      await set(member, { enabled: false });
      break;
    default:
      throw new RpcError(Status.Unknown, "etcdserver: unknown method");
  }
  return minorOf(member.membership.version ?? member.version).replace(/\.0$/, "");
}

async function checkTarget(member: Member, text: string): Promise<string> {
  const target = parseVersion(text);
  if (target === undefined) throw rpcError("WrongDowngradeVersionFormat");
  await upToDate(member);
  const { version, downgrade } = member.membership;
  if (version === undefined) throw rpcError("ClusterVersionUnavailable");
  if (target !== downgradeOf(version)) throw rpcError("InvalidDowngradeTargetVersion");
  if (downgrade.enabled) throw rpcError("DowngradeInProcess");
  return target;
}

/** Another member may have begun or cancelled one. */
function upToDate(member: Member): Promise<void> {
  return new Promise((resolve, reject) =>
    member.linearizable((failure) => (failure === undefined ? resolve() : reject(rpcError(failure)))),
  );
}

async function set(member: Member, request: { enabled: boolean; ver?: string }): Promise<void> {
  const outcome = await member.proposed("downgradeInfoSet", request);
  if (isFailure(outcome)) throw failureToRpcError(outcome);
}
