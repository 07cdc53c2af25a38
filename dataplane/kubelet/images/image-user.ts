import { ImageError } from "./image-error.ts";

/** Who a container's processes are, in numbers. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

export interface UserRequest {
  /** `uid`, `name`, `uid:gid`, `name:group`, as an image's configuration has it; empty: root. */
  readonly imageUser: string;
  readonly runAsUser?: number;
  readonly runAsUsername?: string;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  /** Whether the groups that /etc/group gives the user count too. */
  readonly mergeGroups: boolean;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The user of a container, with the image's own files for names. Throws ImageError for a name they do not have. */
export function resolveUser(request: UserRequest, passwdText: string, groupText: string): ProcessUser {
  const users = fieldsOf(passwdText, 7).map(
    ([name, , uid, gid, , home]): PasswdEntry => ({
      name: name as string,
      uid: Number(uid),
      gid: Number(gid),
      home: home as string,
    }),
  );
  const groups = fieldsOf(groupText, 4).map(([name, , gid, members]) => ({
    name: name as string,
    gid: Number(gid),
    members: (members as string).split(",").filter(Boolean),
  }));
  const chosen = request.runAsUser?.toString() ?? request.runAsUsername;
  // A group the image names belongs to the user it names, not to another one.
  const [imageName = "", imageGroup] = request.imageUser.split(":");
  const userName = chosen ?? (imageName === "" ? "0" : imageName);
  const isNumber = /^\d+$/.test(userName);
  const entry = users.find(({ name, uid }) => (isNumber ? uid === Number(userName) : name === userName));
  if (entry === undefined && !isNumber)
    throw new ImageError(`unable to find user ${userName}: no matching entries in passwd file`);
  const groupOf = (text: string) => {
    if (/^\d+$/.test(text)) return Number(text);
    const found = groups.find(({ name }) => name === text);
    if (found === undefined) throw new ImageError(`unable to find group ${text}: no matching entries in group file`);
    return found.gid;
  };
  const ownGroup =
    chosen === undefined && imageGroup !== undefined && imageGroup !== "" ? groupOf(imageGroup) : entry?.gid;
  const gid = request.runAsGroup ?? ownGroup ?? 0;
  const memberships =
    request.mergeGroups && entry !== undefined ? groups.filter(({ members }) => members.includes(entry.name)) : [];
  const additional = new Set([...memberships.map((group) => group.gid), ...request.supplementalGroups]);
  additional.delete(gid);
  return { uid: entry?.uid ?? Number(userName), gid, additionalGids: [...additional], home: entry?.home || "/" };
}

function fieldsOf(text: string, least: number): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= Math.min(least, 4));
}
