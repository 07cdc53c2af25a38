import fc from "fast-check";
import type { Container } from "../../../api/mod.ts";
import { few, gpu, present, rarely } from "./parts.testing.ts";

export const requests = fc
  .record({
    cpu: fc.constantFrom(undefined, "0", "100m", "250m", "500m", "1"),
    memory: fc.constantFrom(undefined, "64Mi", "200Mi", "512Mi", "1Gi"),
    "ephemeral-storage": rarely(fc.constantFrom("1Gi", "4Gi"), 8),
    [gpu]: rarely(fc.constantFrom("0", "1", "2"), 6),
    "hugepages-2Mi": rarely(fc.constantFrom("2Mi", "4Mi"), 12),
  })
  .map((all) => present(all) as Record<string, string>);

export const images = {
  "tiny:1": 5,
  "registry.local:5000/base:latest": 60,
  "web:2": 400,
  "db:9": 900,
  "ml@sha256:1": 2500,
};
export const imageName = fc.constantFrom(
  "tiny:1",
  "registry.local:5000/base",
  "web:2",
  "db:9",
  "ml@sha256:1",
  "unknown",
);

const port = fc.record({
  containerPort: fc.constant(80),
  hostPort: fc.constantFrom(undefined, 80, 80, 81),
  hostIP: fc.constantFrom(undefined, "", "0.0.0.0", "10.0.0.1", "10.0.0.2"),
  protocol: fc.constantFrom("TCP" as const, "UDP" as const, undefined),
});

export const container: fc.Arbitrary<Container> = fc
  .record({ image: imageName, requests: rarely(requests, 2), ports: rarely(few(port, 2)) })
  .map(({ image, requests, ports }) => ({
    name: "c",
    image,
    resources: requests === undefined ? {} : { requests },
    ...(ports === undefined ? {} : { ports: ports.map((one) => present(one)) }),
  })) as fc.Arbitrary<Container>;

export const initContainer: fc.Arbitrary<Container> = fc
  .tuple(container, fc.boolean())
  .map(([one, sidecar]) => (sidecar ? { ...one, restartPolicy: "Always" } : one)) as fc.Arbitrary<Container>;
