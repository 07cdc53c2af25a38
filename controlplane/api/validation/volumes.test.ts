import { describe, expect, test } from "vitest";
import type { PersistentVolumeClaim } from "../types/core/persistent-volume-claim.ts";
import { FieldErrors } from "./field-errors.ts";
import { persistentVolumeClaimWarnings, validatePersistentVolumeClaimUpdate } from "./volumes.ts";

function claim(size: string, more: object = {}, phase: "Bound" | "Pending" = "Bound"): PersistentVolumeClaim {
  return {
    metadata: { name: "data" },
    spec: { volumeName: "pv-1", volumeMode: "Filesystem", resources: { requests: { storage: size } }, ...more },
    status: { phase, capacity: { storage: "2Gi" } },
  };
}

function judged(old: PersistentVolumeClaim, next: PersistentVolumeClaim): string[] {
  const errors = new FieldErrors();
  validatePersistentVolumeClaimUpdate(next, old, errors);
  return errors.list.map(({ field, message }) => `${field}: ${message}`);
}

describe("a bound claim", () => {
  test("may grow", () => expect(judged(claim("2Gi"), claim("3Gi"))).toEqual([]));

  test("may be given other attributes", () => {
    expect(judged(claim("2Gi"), claim("2Gi", { volumeAttributesClassName: "fast" }))).toEqual([]);
  });

  test("does not shrink below what it has", () => {
    const rule = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
    expect(judged(claim("2Gi"), claim("1Gi"))).toEqual([rule]);
    expect(judged(claim("5Gi"), claim("2Gi"))).toEqual([rule]);
  });

  test("may take back a growth that failed, but not all of it", () => {
    expect(judged(claim("5Gi"), claim("3Gi"))).toEqual([]);
  });

  test("keeps its volume", () => {
    const rule =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    expect(judged(claim("2Gi"), claim("2Gi", { volumeName: "pv-2" }))).toEqual([`spec: Forbidden: ${rule}`]);
  });
});

test("half a byte is warned of", () => {
  expect(persistentVolumeClaimWarnings(claim("500m"))).toEqual([
    'spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer',
  ]);
});
