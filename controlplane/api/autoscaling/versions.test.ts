import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscaler as V1 } from "../types/autoscaling/v1.ts";
import type { MetricSpec, MetricStatus, HorizontalPodAutoscaler as V2 } from "../types/autoscaling/v2.ts";
import { autoscalerFromV1, autoscalerToV1 } from "./versions.ts";

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };

function v2(spec: object = {}, status: object = {}): V2 {
  return {
    kind: "HorizontalPodAutoscaler",
    apiVersion: "autoscaling/v2",
    metadata: { name: "web", annotations: { mine: "yes" } },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, ...spec },
    status: { desiredReplicas: 2, currentReplicas: 2, ...status },
  };
}

const cpu = (averageUtilization: number): MetricSpec => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

describe("one object in two versions", () => {
  test("CPU alone is a field of version 1, and needs no annotation", () => {
    const old = autoscalerToV1(v2({ metrics: [cpu(60)] }));
    expect(old.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 60 });
    expect(old.metadata.annotations).toEqual({ mine: "yes" });
    expect(autoscalerFromV1(old)).toEqual(v2({ metrics: [cpu(60)] }));
  });

  test("behavior is carried under Go's names, which other servers write", () => {
    const rules = { policies: [{ type: "Pods", value: 4, periodSeconds: 15 }] };
    const old = autoscalerToV1(v2({ metrics: [cpu(60)], behavior: { scaleUp: rules } }));
    expect(old.metadata.annotations?.["autoscaling.alpha.kubernetes.io/behavior"]).toBe(
      '{"ScaleUp":{"Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15}]}}',
    );
    expect(autoscalerFromV1(old).spec.behavior).toEqual({ scaleUp: rules });
  });

  test("conditions and what was measured come back", () => {
    const measured: MetricStatus = { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 30 } } };
    const conditions = [{ type: "AbleToScale", status: "True" as const, reason: "Ready" }];
    const old = autoscalerToV1(v2({ metrics: [cpu(60)] }, { currentMetrics: [measured], conditions }));
    expect(old.status?.currentCPUUtilizationPercentage).toBe(30);
    expect(autoscalerFromV1(old).status).toMatchObject({ currentMetrics: [measured], conditions });
  });

  test("annotations that are not ours to read are as good as absent", () => {
    const written = (text: string): V1 => ({
      metadata: { name: "web", annotations: { "autoscaling.alpha.kubernetes.io/metrics": text } },
      spec: { scaleTargetRef, maxReplicas: 5 },
    });
    for (const text of ["", "{", "[1]", "null", '{"type":"Pods"}', '[{"type":5}]']) {
      expect(autoscalerFromV1(written(text)).spec).toEqual({ scaleTargetRef, maxReplicas: 5 });
    }
    fc.assert(fc.property(fc.json(), (text) => void autoscalerFromV1(written(text))));
  });

  test("no metric is lost on the way through version 1", () => {
    const name = fc.constantFrom("requests", "queue-length");
    const metric = fc.record({ name });
    const quantity = fc.constantFrom("1", "500m", "2Gi");
    const value = quantity.map((amount) => ({ type: "Value", value: amount }));
    const average = quantity.map((amount) => ({ type: "AverageValue", averageValue: amount }));
    const spec: fc.Arbitrary<MetricSpec> = fc.oneof(
      fc.record({ metric, target: average }).map((pods) => ({ type: "Pods", pods })),
      fc
        .record({ metric, target: fc.oneof(value, average), describedObject: fc.constant(scaleTargetRef) })
        .map((object) => ({ type: "Object", object })),
      fc.record({ metric, target: fc.oneof(value, average) }).map((external) => ({ type: "External", external })),
      fc
        .record({ name: fc.constant("memory"), target: average, container: fc.constant("main") })
        .map((containerResource) => ({ type: "ContainerResource", containerResource })),
    );
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 4 }), fc.boolean(), (metrics, withCpu) => {
        // Version 1 keeps CPU apart, so it comes back last.
        const object = v2({ metrics: withCpu ? [...metrics, cpu(70)] : metrics });
        expect(autoscalerFromV1(autoscalerToV1(object))).toEqual(object);
      }),
    );
  });
});
