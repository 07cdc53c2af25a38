import { expect, test } from "vitest";
import { InFlight } from "./in-flight.ts";

const bob = ["system:authenticated"];

test("reads and writes have places of their own, and who leaves makes room", () => {
  const gate = new InFlight({ reading: 2, writing: 1 });
  const first = gate.enter("get", "", bob);
  expect(gate.enter("list", "", bob)).toBeDefined();
  expect(gate.enter("get", "", bob)).toBeUndefined();
  expect(gate.enter("create", "", bob)).toBeDefined();
  expect(gate.enter("patch", "status", bob)).toBeUndefined();
  first?.();
  expect(gate.enter("get", "", bob)).toBeDefined();
});

test("what stays open takes no place, and administrators always find one", () => {
  const gate = new InFlight({ reading: 1, writing: 1 });
  gate.enter("get", "", bob);
  for (let i = 0; i < 10; i++) {
    expect(gate.enter("watch", "", bob)).toBeDefined();
    expect(gate.enter("get", "log", bob)).toBeDefined();
    expect(gate.enter("get", "", ["system:masters"])).toBeDefined();
  }
});
