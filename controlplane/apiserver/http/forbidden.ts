import type { Attributes } from "../auth/rules.ts";

/** Why not, in the words of kube-apiserver: what follows "is forbidden: ". `reason` is what the authorizer adds, or "". */
export function forbiddenReason(asked: Attributes, reason: string): string {
  return reason === "" ? refusal(asked) : `${refusal(asked)}: ${reason}`;
}

function refusal(asked: Attributes): string {
  const who = `User ${JSON.stringify(asked.user.name)}`;
  if (asked.kind === "path") return `${who} cannot ${asked.verb} path ${JSON.stringify(asked.path)}`;
  const what = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const where = asked.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(asked.namespace)}`;
  return `${who} cannot ${asked.verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(asked.group)} ${where}`;
}
