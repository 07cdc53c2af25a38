import { describe, expect, test } from "vitest";
import { decideClusterVersion, downgradeIsDone } from "./cluster-version.ts";
import { compareVersions, downgradeOf, minorOf, parseVersion } from "./version.ts";

const none = { enabled: false, targetVersion: "" };
const to = (targetVersion: string) => ({ enabled: true, targetVersion });
const seen = (
  cluster: string | undefined,
  members: readonly (string | undefined)[],
  downgrade = none,
  patienceIsOver = false,
) => ({
  cluster,
  members,
  downgrade,
  patienceIsOver,
});

describe("the cluster's version", () => {
  test.each([
    ["is at first the lowest of the members'", seen(undefined, ["3.7.1", "3.6.5", "3.7.0"]), "3.6.0"],
    ["waits for a member that has said nothing", seen(undefined, ["3.7.1", undefined]), undefined],
    ["does not wait for ever", seen(undefined, ["3.7.1", undefined], none, true), "3.7.0"],
    ["rises when the last member has", seen("3.6.0", ["3.7.1", "3.7.0"]), "3.7.0"],
    ["does not rise before that", seen("3.6.0", ["3.7.1", "3.6.9"]), undefined],
    ["never falls by itself", seen("3.7.0", ["3.7.1", "3.6.9"]), undefined],
    [
      "falls by a downgrade, while all members still run what they ran",
      seen("3.7.0", ["3.7.1", "3.7.0"], to("3.6.0")),
      "3.6.0",
    ],
    ["stays down while members come down", seen("3.6.0", ["3.7.1", "3.6.9"], to("3.6.0")), undefined],
    ["falls by one step alone", seen("3.7.0", ["3.7.1"], to("3.5.0")), undefined],
    [
      "does not fall past a member that nobody has heard",
      seen("3.7.0", ["3.7.1", undefined], to("3.6.0"), true),
      undefined,
    ],
    ["rises again when the downgrade is cancelled", seen("3.6.0", ["3.7.1", "3.7.0"], none), "3.7.0"],
  ])("%s", (_what, versions, expected) => {
    expect(decideClusterVersion(versions)).toBe(expected);
  });

  test("a downgrade is done when every member runs its version", () => {
    expect(downgradeIsDone({ members: ["3.6.1", "3.6.0"], downgrade: to("3.6.0") })).toBe(true);
    expect(downgradeIsDone({ members: ["3.6.1", "3.7.0"], downgrade: to("3.6.0") })).toBe(false);
    expect(downgradeIsDone({ members: ["3.6.1", undefined], downgrade: to("3.6.0") })).toBe(false);
    expect(downgradeIsDone({ members: ["3.6.1"], downgrade: none })).toBe(false);
  });
});

test("versions are read as etcd reads them", () => {
  expect(["3.6", "3.6.4", "v3.6.0", "3.6.0-alpha.1"].map(parseVersion)).toEqual(["3.6.0", "3.6.0", "3.6.0", "3.6.0"]);
  expect(["", "x", "3.x", "3.6.0.1", "-3.6"].map(parseVersion)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect([minorOf("3.8.0-alpha.0"), downgradeOf("3.7.2")]).toEqual(["3.8.0", "3.6.0"]);
  expect(["3.10.0", "3.9.9", "3.9.10"].sort(compareVersions)).toEqual(["3.9.9", "3.9.10", "3.10.0"]);
});
