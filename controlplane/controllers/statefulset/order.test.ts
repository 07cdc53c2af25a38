import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../base/mod.ts";
import type { Pod } from "../../api/mod.ts";
import { settle } from "../../client/elapse.testing.ts";
import { TestCluster, webTemplate } from "../common/cluster.testing.ts";
import { MortalProcess } from "../common/mortal-process.testing.ts";
import { isReady } from "../common/pods.ts";
import { StatefulSetController } from "./controller.ts";

const podKind = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };

test("whatever is asked, whenever the controller crashes, however late its caches: one pod at a time", async () => {
  const change = fc.record({
    replicas: fc.integer({ min: 0, max: 4 }),
    image: fc.constantFrom("v1", "v2", "v3"),
    rounds: fc.integer({ min: 1, max: 6 }),
    writes: fc.option(fc.nat(6), { freq: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(), async (changes, seed) => {
      const world = new TestCluster();
      const random = seededRandom(seed);
      world.fate = () => (random.below(3) === 0 ? "ready" : undefined);
      let kept = 2;
      // Noted, not thrown: within a call of the controller it would only look like a server that fails.
      const violations: string[] = [];
      const healthy = (pod: Pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined;
      const begin = async (writes: number | null) => {
        const process = new MortalProcess(world, 3000, seed);
        process.writesLeft = writes ?? Number.POSITIVE_INFINITY;
        process.onWrite = (method, path) => {
          const target = /\/pods(?:\/(web-\d+))?$/.exec(path);
          if (target === null || (method !== "POST" && method !== "DELETE")) return;
          const others = (world.server.store.list(podKind, {}) as Pod[]).filter(
            ({ metadata }) => metadata.name !== target[1],
          );
          // Those that are to go as well may be in whatever state; the controller may not know the newest size yet.
          const hurt = others
            .filter((pod) => !healthy(pod) && Number(pod.metadata.name?.slice(4)) < kept)
            .map(({ metadata }) => metadata.name);
          if (hurt.length > 0) violations.push(`${method} ${target[1] ?? "a pod"} while ${hurt} are not healthy`);
        };
        const stop = await world.start((context) => new StatefulSetController(context), process.client);
        return { process, stop };
      };
      await world.client.statefulSets.create({
        metadata: { name: "web", namespace: "default" },
        spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: webTemplate("v1") },
      });
      const sizes = [2];
      let life = await begin(null);
      const work = async (rounds: number) => {
        for (let round = 0; round < rounds; round++) {
          await world.run(1);
          if (!life.process.isDead) continue;
          await life.stop();
          life = await begin(null);
        }
      };
      for (const { replicas, image, rounds, writes } of changes) {
        life.process.writesLeft = writes ?? Number.POSITIVE_INFINITY;
        // News of a size is at most three rounds late.
        sizes.push(replicas);
        kept = Math.min(...sizes.slice(-5));
        await world.client.statefulSets.patch("default", "web", "merge", {
          spec: { replicas, template: webTemplate(image) },
        });
        await work(rounds);
      }
      const { replicas, image } = changes.at(-1) ?? { replicas: 2, image: "v1" };
      await work(100);
      await settle();
      await world.stop();
      expect(violations).toEqual([]);
      const found = world.pods.map((pod) => `${pod.metadata.name} ${pod.spec.containers[0]?.image} ${healthy(pod)}`);
      expect(found.sort()).toEqual(Array.from({ length: replicas }, (_, i) => `web-${i} ${image} true`));
    }),
    { numRuns: 25 },
  );
});
