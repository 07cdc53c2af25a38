import { describe, expect, test } from "vitest";
import type { ControllerRevision } from "../../api/mod.ts";
import { planRevision, surplusRevisions, templateOf, templatePatch } from "./revisions.ts";

function template(image: string) {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } };
}

function revision(number: number, image: string): ControllerRevision {
  return { metadata: { name: `web-${image}` }, data: templatePatch(template(image)), revision: number };
}

test("a revision is a patch that replaces the template, and gives it back", () => {
  expect(templatePatch(template("v1"))).toEqual({ spec: { template: { ...template("v1"), $patch: "replace" } } });
  expect(templateOf(revision(1, "v1"))).toEqual(template("v1"));
});

describe("a template", () => {
  test("that the newest revision has needs nothing", () => {
    const newest = revision(2, "v2");
    expect(planRevision([newest, revision(1, "v1")], newest.data)).toEqual({ kind: "current", revision: newest });
  });
  test("that an older one has makes that one the newest: no two say the same", () => {
    const old = revision(1, "v1");
    expect(planRevision([revision(2, "v2"), old], old.data)).toEqual({ kind: "renumber", revision: old, number: 3 });
  });
  test("that none has makes a new one", () => {
    expect(planRevision([revision(4, "v4")], templatePatch(template("v5")))).toEqual({ kind: "create", number: 5 });
    expect(planRevision([], templatePatch(template("v1")))).toEqual({ kind: "create", number: 1 });
  });
});

test("beyond the limit the oldest go, never one that something lives by", () => {
  const all = [5, 1, 3, 2, 4].map((number) => revision(number, `v${number}`));
  const gone = surplusRevisions(all, ({ revision }) => revision === 1 || revision === 5, 1);
  expect(gone.map(({ revision }) => revision)).toEqual([2, 3]);
});
