import { describe, expect, test } from "vitest";
import { requestFor } from "./admission.testing.ts";
import { AdmissionChain } from "./chain.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const log: string[] = [];
const plugin = (name: string, fails = false): AdmissionPlugin => ({
  name,
  admit: () => void log.push(`${name} admits`),
  validate: () => void log.push(`${name} validates`),
  charge: async () => {
    if (fails) throw new Error("too much");
    log.push(`${name} charges`);
    return {
      undo: async () => void log.push(`${name} gives back`),
      settle: async () => void log.push(`${name} settles`),
    };
  },
});
const request = requestFor("pods", { metadata: { name: "p", namespace: "shop" } });

describe("plugins", () => {
  test("all amend before any refuses, and are paid when nobody did", async () => {
    log.length = 0;
    const chain = new AdmissionChain([plugin("a"), plugin("b")]);
    await chain.admit(request);
    const claim = await chain.validate(request);
    await claim?.settle();
    expect(log).toEqual([
      "a admits",
      "b admits",
      "a validates",
      "b validates",
      "a charges",
      "b charges",
      "a settles",
      "b settles",
    ]);
  });

  test("get back what they charged, last first, when a later one cannot be paid", async () => {
    log.length = 0;
    const chain = new AdmissionChain([plugin("a"), plugin("b"), plugin("c", true)]);
    await expect(chain.validate(request)).rejects.toThrow("too much");
    expect(log.slice(-2)).toEqual(["b gives back", "a gives back"]);
  });
});
