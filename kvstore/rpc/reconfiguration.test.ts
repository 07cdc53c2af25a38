import { expect, test } from "vitest";
import type { ClusterMember } from "../server/membership.ts";
import { additionRefusal, type Reconfiguration, removalRefusal } from "./reconfiguration.ts";

/** "abc" are voters that run; in capitals those that have not started; behind a dash learners. `away` are not connected. */
function cluster(text: string, away = ""): Reconfiguration {
  const [voters = "", learners = ""] = text.split("-");
  const member = (name: string, isLearner: boolean): ClusterMember => ({
    id: idOf(name),
    name: /[a-z]/.test(name) ? name : "",
    peerUrls: [],
    clientUrls: [],
    isLearner,
  });
  const isThere = (id: bigint) => ![...away, ...text.replaceAll(/[^A-Z]/g, "")].some((name) => idOf(name) === id);
  return {
    members: [...[...voters].map((name) => member(name, false)), ...[...learners].map((name) => member(name, true))],
    isHealthy: isThere,
    isConnected: isThere,
  };
}

function idOf(name: string): bigint {
  return BigInt(name.charCodeAt(0));
}

test.each([
  ["a", "", undefined],
  ["abc", "", undefined],
  ["abC", "", "MemberNotEnoughStarted"],
  ["abcD", "", undefined],
  ["abcDE", "", "MemberNotEnoughStarted"],
  // A quorum of the four there would be is three.
  ["abc", "c", "Unhealthy"],
  ["abcde", "e", undefined],
  ["abcde", "de", "Unhealthy"],
] as const)("a voter more for %s, without %j: %s", (members, away, refusal) => {
  expect(additionRefusal(cluster(members, away), false)).toBe(refusal);
});

test.each([
  ["a", "", undefined],
  ["abC", "", "Unhealthy"],
  ["abcD", "", undefined],
  ["abc-d", "", undefined],
] as const)("a learner more for %s, without %j: %s", (members, away, refusal) => {
  expect(additionRefusal(cluster(members, away), true)).toBe(refusal);
});

test.each([
  ["abc", "", "c", undefined],
  ["abc", "c", "c", undefined],
  ["abc", "b", "c", "Unhealthy"],
  ["abC", "", "C", undefined],
  ["abCD", "", "a", "MemberNotEnoughStarted"],
  ["a", "", "a", "MemberNotEnoughStarted"],
  ["ab", "", "b", undefined],
  ["abc-d", "b", "d", undefined],
] as const)("of %s, without %j, %s goes: %s", (members, away, name, refusal) => {
  expect(removalRefusal(cluster(members, away), idOf(name))).toBe(refusal);
});
