import { describe, expect, test } from "vitest";
import { resolveUser, type UserRequest } from "./image-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/www:/bin/false\n";
const group = "root:x:0:\nweb:x:34:\nstaff:x:50:root,web\n";
const user = (request: Partial<UserRequest>) =>
  resolveUser({ imageUser: "", supplementalGroups: [], mergeGroups: true, ...request }, passwd, group);

describe("who a container runs as", () => {
  test.each<[string, Partial<UserRequest>, object]>([
    ["root, when nobody says otherwise", {}, { uid: 0, gid: 0, additionalGids: [50], home: "/root" }],
    ["the image's user, by name", { imageUser: "web" }, { uid: 33, gid: 34, additionalGids: [50], home: "/var/www" }],
    ["the image's user and group", { imageUser: "web:staff" }, { uid: 33, gid: 50, additionalGids: [] }],
    ["a number nobody knows", { imageUser: "1234" }, { uid: 1234, gid: 0, additionalGids: [], home: "/" }],
    ["the pod's user instead, with its group", { imageUser: "web:staff", runAsUser: 0 }, { uid: 0, gid: 0 }],
    [
      "the pod's user and group",
      { runAsUser: 1000, runAsGroup: 7, supplementalGroups: [9, 7] },
      { uid: 1000, gid: 7, additionalGids: [9] },
    ],
    ["the pod's group for the image's user", { imageUser: "web", runAsGroup: 8 }, { uid: 33, gid: 8 }],
    [
      "strictly the pod's groups",
      { imageUser: "web", mergeGroups: false, supplementalGroups: [9] },
      { additionalGids: [9] },
    ],
  ])("%s", (_name, request, expected) => {
    expect(user(request)).toMatchObject(expected);
  });

  test("names that the image does not have are refused", () => {
    expect(() => user({ imageUser: "ghost" })).toThrow("unable to find user ghost");
    expect(() => user({ imageUser: "web:ghosts" })).toThrow("unable to find group ghosts");
  });
});
