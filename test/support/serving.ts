import { expect, test } from "vitest";
import type { TestCluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { start } from "./processes.ts";

/** Answers with its version and name, and says on standard output that it serves. */
const serve =
  'mkdir /www; echo "$VERSION by $(hostname)" > /www/index.html; echo serving; exec httpd -f -p 8080 -h /www';

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: { matchLabels: { app: web } } }
      containers:
        - name: web
          image: busybox:1
          command: ["sh", "-c", ${JSON.stringify(serve)}]
          env: [{ name: VERSION, value: first }]
          readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`;

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly nodeName: string };
  }[];
}

/** One story for every way to run pods, on a running cluster with two nodes and busybox:1: a Deployment, a Service, and what people do with them. */
export function servesPods(cluster: TestCluster): void {
  const podsOfWeb = async () => (await cluster.get<Pods>("pods", "-l", "app=web")).items;
  const rolledOut = () => cluster.kubectl("rollout", "status", "deployment/web", "--timeout=30s");
  const ask = (pod: string) => cluster.kubectl("exec", pod, "--", "wget", "-q", "-O", "-", "http://web.default.svc");

  test("a pod reaches all pods of a Service by its name: itself, and those on the other node", async () => {
    await cluster.apply(web);
    await rolledOut();
    const pods = await podsOfWeb();
    expect(new Set(pods.map(({ spec }) => spec.nodeName)).size).toBe(2);
    for (const { metadata } of pods) {
      const wanted = new Set(pods.map((pod) => `first by ${pod.metadata.name}\n`));
      await eventually(`${metadata.name} hears from ${[...wanted]}`, async () => {
        wanted.delete(await ask(metadata.name));
        return wanted.size === 0;
      });
    }
  });

  test("exec brings input, output and exit codes; logs and port-forward arrive", async () => {
    const [pod] = await podsOfWeb();
    const name = pod?.metadata.name as string;
    const echoed = await cluster.tryKubectl(["exec", "-i", name, "--", "sh", "-c", "cat; echo oops >&2; exit 7"], {
      input: "from outside\n",
    });
    expect(echoed).toMatchObject({ code: 7, stdout: "from outside\n", stderr: expect.stringContaining("oops") });
    expect(await cluster.kubectl("logs", name)).toBe("serving\n");
    const forward = start("kubectl", ["port-forward", `pod/${name}`, ":8080"], { env: cluster.kubectlEnvironment() });
    let said = "";
    forward.stdout?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    try {
      const port = await eventually("the port is forwarded", () => /127\.0\.0\.1:(\d+) ->/.exec(said)?.[1]);
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe(`first by ${name}\n`);
    } finally {
      forward.kill();
    }
  });

  test("a rollout replaces them, and the Service follows", async () => {
    await cluster.kubectl("set", "env", "deployment/web", "VERSION=second");
    await rolledOut();
    const pod = await eventually("only new pods are left", async () => {
      const pods = await podsOfWeb();
      return pods.length === 2 && pods[0];
    });
    for (let i = 0; i < 5; i++) expect(await ask(pod.metadata.name)).toMatch(/^second by web-/);
  });
}
