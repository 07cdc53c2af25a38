import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deployment, ReplicaSet } from "../../api/mod.ts";
import { limitsOf } from "./limits.ts";
import { type Plan, plan } from "./plan.ts";
import { formatWorld, type Strategy, World } from "./world.testing.ts";

function rolling(maxSurge: number | string, maxUnavailable: number | string): Strategy {
  return { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } };
}

function next(world: World): Plan {
  return plan({ deployment: world.deployment, replicaSets: world.replicaSets, pods: [], nowMs: world.nowMs });
}

function conditionReason(deployment: Deployment, type: string): string | undefined {
  return deployment.status?.conditions?.find((condition) => condition.type === type)?.reason;
}

function byTemplate(world: World, image: string): ReplicaSet | undefined {
  return world.replicaSets.find(({ spec }) => spec.template?.spec?.containers[0]?.image === image);
}

describe("limits", () => {
  test.each([
    [10, "25%", "25%", { maxSurge: 3, maxUnavailable: 2 }],
    [3, "25%", "25%", { maxSurge: 1, maxUnavailable: 0 }],
    [1, "25%", "25%", { maxSurge: 1, maxUnavailable: 0 }],
    [10, 0, 0, { maxSurge: 0, maxUnavailable: 1 }],
    [2, 0, "30%", { maxSurge: 0, maxUnavailable: 1 }],
    [3, 0, 10, { maxSurge: 0, maxUnavailable: 3 }],
  ])("%d replicas, surge %s, unavailable %s", (replicas, surge, unavailable, expected) => {
    expect(limitsOf(new World(replicas, rolling(surge, unavailable)).deployment)).toEqual(expected);
  });
});

describe("a new Deployment", () => {
  test("gets a set named after its template, with its size, labels and revision 1", () => {
    const world = new World(3, rolling(1, 1));
    const { create, revision } = next(world);
    const hash = create?.metadata.labels?.["pod-template-hash"];
    expect(create).toMatchObject({
      metadata: {
        name: `web-${hash}`,
        labels: { app: "web", "pod-template-hash": hash },
        annotations: {
          "deployment.kubernetes.io/revision": "1",
          "deployment.kubernetes.io/desired-replicas": "3",
          "deployment.kubernetes.io/max-replicas": "4",
        },
        ownerReferences: [{ kind: "Deployment", name: "web", controller: true, blockOwnerDeletion: true }],
      },
      spec: { replicas: 3, selector: { matchLabels: { app: "web", "pod-template-hash": hash } } },
    });
    expect(revision).toBe("1");
  });

  test("is complete once all its pods are available", () => {
    const world = new World(3, rolling(1, 1));
    world.run({ until: "complete" });
    expect(conditionReason(world.deployment, "Progressing")).toBe("NewReplicaSetAvailable");
    expect(conditionReason(world.deployment, "Available")).toBe("MinimumReplicasAvailable");
    expect(world.deployment.status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
    });
  });
});

describe("a new template", () => {
  test("rolls as the original does: surge 1, unavailable 0, 3 replicas", () => {
    const world = new World(3, rolling(1, 0));
    world.run({ until: "complete" });
    world.setImage("v2");
    const steps = world.trace();
    expect(steps).toEqual(["v1 3, v2 1", "v1 2, v2 1", "v1 2, v2 2", "v1 1, v2 2", "v1 1, v2 3", "v1 0, v2 3"]);
    expect(byTemplate(world, "v2")?.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("2");
  });

  test("that never becomes available stops with the old pods serving, and says so after the deadline", () => {
    const world = new World(4, rolling(1, 1));
    world.run({ until: "complete" });
    world.setImage("broken");
    world.broken.add("broken");
    world.run({ rounds: 60 });
    expect(formatWorld(world)).toBe("broken 2, v1 3");
    world.nowMs += 601_000;
    world.run({ rounds: 5 });
    expect(conditionReason(world.deployment, "Progressing")).toBe("ProgressDeadlineExceeded");
    expect(conditionReason(world.deployment, "Available")).toBe("MinimumReplicasAvailable");
  });

  test("that comes back (rollout undo) takes its old set again, under a new revision", () => {
    const world = new World(2, rolling(1, 0));
    world.run({ until: "complete" });
    world.setImage("v2");
    world.run({ until: "complete" });
    world.setImage("v1");
    world.run({ until: "complete" });
    expect(world.replicaSets).toHaveLength(2);
    expect(byTemplate(world, "v1")?.metadata.annotations).toMatchObject({
      "deployment.kubernetes.io/revision": "3",
      "deployment.kubernetes.io/revision-history": "1",
    });
    expect(world.deployment.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
  });

  test("with Recreate starts only when the old pods are gone", () => {
    const world = new World(3, { type: "Recreate" });
    world.run({ until: "complete" });
    world.setImage("v2");
    expect(world.trace()).toEqual(["v1 0", "v1 0, v2 3"]);
  });

  test("leaves as many old sets as the history limit says", () => {
    const world = new World(1, rolling(1, 0));
    world.deployment.spec.revisionHistoryLimit = 2;
    for (const image of ["v1", "v2", "v3", "v4", "v5"]) {
      world.setImage(image);
      world.run({ until: "complete" });
    }
    world.run({ rounds: 3 });
    expect(world.replicaSets.map(({ spec }) => spec.template?.spec?.containers[0]?.image).sort()).toEqual([
      "v3",
      "v4",
      "v5",
    ]);
  });
});

describe("a paused Deployment", () => {
  test("does not roll out, but scales; once resumed it rolls", () => {
    const world = new World(2, rolling(1, 0));
    world.run({ until: "complete" });
    world.deployment.spec.paused = true;
    world.setImage("v2");
    world.run({ rounds: 5 });
    expect(formatWorld(world)).toBe("v1 2");
    expect(conditionReason(world.deployment, "Progressing")).toBe("DeploymentPaused");
    world.setReplicas(5);
    world.run({ rounds: 5 });
    expect(formatWorld(world)).toBe("v1 5");
    world.deployment.spec.paused = false;
    world.run({ until: "complete" });
    expect(formatWorld(world)).toBe("v1 0, v2 5");
  });
});

describe("a new size in the middle of a rollout", () => {
  test("is shared in proportion", () => {
    const world = new World(10, rolling(3, 2));
    world.run({ until: "complete" });
    world.setImage("v2");
    world.broken.add("v2");
    world.run({ rounds: 30 });
    expect(formatWorld(world)).toBe("v1 8, v2 5");
    world.setReplicas(15);
    // 18 allowed, 13 there: 5 more, 3 for the larger and 2 for the smaller set (the example in Kubernetes' documentation).
    world.step();
    expect(formatWorld(world)).toBe("v1 11, v2 7");
  });
});

test("whatever becomes ready or fails in whatever order: surge and availability hold at every moment, and it ends", () => {
  const script = fc.record({
    replicas: fc.integer({ min: 0, max: 12 }),
    surge: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom("10%", "25%", "50%", "100%")),
    unavailable: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom("0%", "25%", "50%")),
    // What happens between two looks of the controller: pods come up, sets catch up, in any mixture and order.
    chaos: fc.array(fc.nat(1000), { maxLength: 60 }),
    images: fc.array(fc.constantFrom("v1", "v2", "v3"), { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(script, ({ replicas, surge, unavailable, chaos, images }) => {
      const world = new World(replicas, rolling(surge, unavailable));
      world.run({ until: "complete" });
      const { maxSurge, maxUnavailable } = limitsOf(world.deployment);
      world.onChange = () => {
        expect(world.livePods(), "pods never exceed replicas + maxSurge").toBeLessThanOrEqual(replicas + maxSurge);
        expect(
          world.availablePods(),
          "available pods never fall below replicas - maxUnavailable",
        ).toBeGreaterThanOrEqual(replicas - maxUnavailable);
      };
      for (const image of images) {
        world.setImage(image);
        for (const choice of chaos) world.randomStep(choice);
      }
      world.run({ until: "complete" });
      // Completion is judged by statuses, which may be behind: the last old pods go a moment later.
      world.run({ rounds: 3 });
      expect(world.livePods()).toBe(replicas);
      expect(world.availablePods()).toBe(replicas);
    }),
    {
      numRuns: 200,
      examples: [
        // Rolled back while the pod of the abandoned set was in no status yet.
        [{ replicas: 1, surge: 0, unavailable: "0%", chaos: [0, 0, 9, 3, 0, 373], images: ["v2", "v1"] }],
      ],
    },
  );
});
