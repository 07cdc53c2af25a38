import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseImageReference } from "../../images/reference.ts";
import { AddressPool } from "./address-pool.ts";
import { boundingSet } from "./capabilities.ts";
import { fstabLine, planMounts, rootParts } from "./mount-plan.ts";
import { quote } from "./spawn.ts";

describe("image names", () => {
  test.each([
    ["host", "docker.io/library/host", "latest"],
    ["flotilla/host:v1", "docker.io/flotilla/host", "v1"],
    ["localhost:5000/a/b", "localhost:5000/a/b", "latest"],
    ["registry.k8s.io/pause:3.9", "registry.k8s.io/pause", "3.9"],
    [`a@sha256:${"0".repeat(64)}`, "docker.io/library/a", undefined],
  ])("%s", (text, repository, tag) => {
    expect(parseImageReference(text)).toMatchObject({ repository, tag });
  });

  test.each(["", "Host", "a b", "a:", "a/:x", "-a", "a@sha256:short", "a//b", ":5000/x"])("%j is none", (text) => {
    expect(parseImageReference(text)).toBeUndefined();
  });
});

describe("addresses of a node", () => {
  test("are given once, not at once again, until there is none", () => {
    const pool = new AddressPool("10.244.1.0/29", ["10.244.1.3"]);
    expect(pool.first).toBe("10.244.1.1");
    const given = [pool.allocate(), pool.allocate()];
    expect(given).toEqual(["10.244.1.2", "10.244.1.4"]);
    pool.release("10.244.1.2");
    expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual(["10.244.1.5", "10.244.1.6", "10.244.1.2"]);
    expect(() => pool.allocate()).toThrow("no free address left in 10.244.1.0/29");
  });

  test.each(["10.244.1.0", "10.244.1.0/31", "fd00::/64"])("%s is no range for pods", (cidr) => {
    expect(() => new AddressPool(cidr)).toThrow("an IPv4 range");
  });
});

test("a word survives the shell, whatever it holds", () => {
  const word = fc.string({ unit: "binary", maxLength: 30 }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const script = `for word in ${words.map(quote).join(" ")}; do printf '%s\\0' "$word"; done`;
      const out = execFileSync("/bin/sh", ["-c", script]);
      expect(out.equals(Buffer.from(words.map((text) => `${text}\0`).join("")))).toBe(true);
    }),
    { numRuns: 10 },
  );
});

test("capabilities: dropped, added, all", () => {
  const security = { privileged: false, supplementalGroups: [], readonlyRootfs: false, noNewPrivs: false };
  const set = (addCapabilities: string[], dropCapabilities: string[]) =>
    boundingSet({ ...security, addCapabilities, dropCapabilities });
  expect(set([], ["ALL"])).toBe("-all");
  expect(set(["NET_BIND_SERVICE"], ["ALL"])).toBe("-all,+net_bind_service");
  expect(set(["CAP_SYS_TIME"], ["KILL"])).toContain("+sys_time");
  expect(set([], ["KILL"])).not.toContain("+kill");
  expect(set(["ALL"], [])).toBe("-all,+all");
});

test("mounts: outer before inner, files after directories, blanks protected", () => {
  const mount = (containerPath: string, hostPath: string) => ({ containerPath, hostPath, readonly: true });
  const mounts = [mount("/x/in", "/usr"), mount("/x/f", "/etc/passwd"), mount("/x", "/etc")];
  const plan = planMounts({ mounts, devices: [], hostRoot: "/old", allowDevices: false });
  expect(plan.directories.map((line) => line.split(" ").slice(0, 2))).toEqual([
    ["/old/etc", "/x"],
    ["/old/usr", "/x/in"],
  ]);
  expect(plan.fileTargets).toEqual(["/x/f"]);
  expect(fstabLine("/a b", "/c\\d", "none", "bind")).toBe("/a\\040b /c\\134d none bind 0 0");
});

test("an image as a volume: its layers over each other, the topmost first, nothing to write to", () => {
  const planOf = (...layers: string[]) =>
    planMounts({
      mounts: [{ containerPath: "/v", hostPath: "", readonly: true, image: "data:1" }],
      devices: [],
      hostRoot: "/old",
      allowDevices: false,
      images: { "data:1": { kind: "layers", dir: "/layers", layers } },
    }).directories;
  expect(planOf("top", "below")).toEqual([
    "overlay /v overlay ro,nosuid,nodev,X-mount.mkdir=0755,lowerdir=/old/layers/top:/old/layers/below 0 0",
  ]);
  expect(planOf("only")).toEqual(["/old/layers/only /v none bind,ro,nosuid,nodev,X-mount.mkdir=0755 0 0"]);
});

test("a separate /usr belongs to the host image, a separate /home does not", () => {
  const line = (target: string) => `36 35 98:0 / ${target} rw - ext4 /dev/x rw`;
  expect(rootParts(["/", "/usr", "/usr/local", "/home", "/proc"].map(line).join("\n"))).toEqual(["/usr", "/usr/local"]);
});
