import { describe, expect, test } from "vitest";
import { readerWith, refusalOf, requestFor } from "../admission.testing.ts";
import { podSecurity } from "./pod-security.ts";
import { policyOf } from "./policy.ts";

const PREFIX = "pod-security.kubernetes.io/";
const namespace = (labels: Record<string, string>) => ({
  metadata: {
    name: "shop",
    labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [PREFIX + key, value])),
  },
});
const pod = (spec: object, annotations?: object) => ({
  metadata: { name: "p", namespace: "shop", annotations },
  spec: { containers: [{ name: "a", image: "x" }], ...spec },
});
const withContext = (securityContext: object) => ({ containers: [{ name: "a", image: "x", securityContext }] });

async function refusal(level: string, body: object): Promise<string | undefined> {
  const reader = readerWith({ namespaces: [namespace({ enforce: level })] });
  const refused = await refusalOf(podSecurity(reader, 36), requestFor("pods", body));
  return refused?.replace(`pods "p" is forbidden: violates PodSecurity "${level}:latest": `, "");
}

const hardened = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  ...withContext({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } }),
};

describe("the baseline", () => {
  test("lets an ordinary pod in", async () => {
    expect(await refusal("baseline", pod({}))).toBeUndefined();
  });

  test.each([
    [pod({ hostNetwork: true, hostIPC: true }), "host namespaces (hostNetwork=true, hostIPC=true)"],
    [pod(withContext({ privileged: true })), 'privileged (container "a" must not set securityContext.privileged=true)'],
    [
      pod(withContext({ capabilities: { add: ["NET_ADMIN", "KILL", "BPF"] } })),
      'non-default capabilities (container "a" must not include "BPF", "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      pod({
        volumes: [
          { name: "v", hostPath: { path: "/" } },
          { name: "w", hostPath: { path: "/" } },
        ],
      }),
      'hostPath volumes (volumes "v", "w")',
    ],
    [
      pod({ containers: [{ name: "a", ports: [{ hostPort: 80 }, { hostPort: 443 }, { containerPort: 1 }] }] }),
      'hostPort (container "a" uses hostPorts 443, 80)',
    ],
    [
      pod(withContext({ procMount: "Unmasked" })),
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      pod({ securityContext: { seLinuxOptions: { type: "spc_t", user: "u" } } }),
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      pod({ securityContext: { seccompProfile: { type: "Unconfined" } } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      pod({ securityContext: { sysctls: [{ name: "kernel.msgmax" }, { name: "net.ipv4.tcp_rmem" }] } }),
      "forbidden sysctls (kernel.msgmax)",
    ],
    [
      pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
      "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    ],
    [
      pod(withContext({ appArmorProfile: { type: "Unconfined" } })),
      'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      pod({ containers: [{ name: "a", livenessProbe: { httpGet: { host: "example.com" } } }] }),
      'probe or lifecycle host (container "a" uses probe or lifecycle host "example.com")',
    ],
  ])("%#: %j", async (body, expected) => {
    expect(await refusal("baseline", body)).toBe(expected);
  });

  test("tells all violations, in a fixed order, and looks at every kind of container", async () => {
    const spec = {
      hostPID: true,
      initContainers: [{ name: "i", securityContext: { privileged: true } }],
      ephemeralContainers: [{ name: "e", securityContext: { privileged: true } }],
    };
    expect(await refusal("baseline", pod(spec))).toBe(
      'host namespaces (hostPID=true), privileged (containers "i", "e" must not set securityContext.privileged=true)',
    );
  });
});

describe("the restricted level", () => {
  test("wants hardening to be spelled out", async () => {
    expect(await refusal("restricted", pod({}))).toBe(
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    expect(await refusal("restricted", pod(hardened))).toBeUndefined();
  });

  test.each([
    [
      {
        volumes: [
          { name: "v", nfs: {} },
          { name: "w", hostPath: {} },
          { name: "ok", emptyDir: {} },
        ],
      },
      'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ],
    [
      { securityContext: { ...hardened.securityContext, runAsNonRoot: false } },
      "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
    ],
    [{ securityContext: { ...hardened.securityContext, runAsUser: 0 } }, "runAsUser=0 (pod must not set runAsUser=0)"],
    [
      withContext({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"], add: ["CHOWN"] } }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
  ])("%#: %j", async (spec, expected) => {
    expect(await refusal("restricted", pod({ ...hardened, ...spec }))).toBe(expected);
  });
});

test("an older version of the standards asks for less", async () => {
  const reader = readerWith({ namespaces: [namespace({ enforce: "restricted", "enforce-version": "v1.18" })] });
  const spec = { securityContext: { runAsNonRoot: true }, ...withContext({ allowPrivilegeEscalation: false }) };
  expect(await refusalOf(podSecurity(reader, 36), requestFor("pods", pod(spec)))).toBeUndefined();
});

describe("workloads", () => {
  test("are never refused: who creates them is warned of what their pods will meet", async () => {
    const reader = readerWith({ namespaces: [namespace({ enforce: "baseline" })] });
    const deployment = { metadata: { name: "d", namespace: "shop" }, spec: { template: pod({ hostNetwork: true }) } };
    const request = requestFor("deployments.apps", deployment);
    expect(await refusalOf(podSecurity(reader, 36), request)).toBeUndefined();
    expect(request.warnings).toEqual([
      'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    ]);
  });

  test("an update of a pod counts only if it brings other images", async () => {
    const reader = readerWith({ namespaces: [namespace({ enforce: "baseline" })] });
    const old = pod({ hostNetwork: true });
    const refused = (next: object) =>
      refusalOf(podSecurity(reader, 36), requestFor("pods", next, { operation: "UPDATE", old: old as never }));
    expect(await refused(pod({ hostNetwork: true, activeDeadlineSeconds: 5 }))).toBeUndefined();
    expect(await refused(pod({ hostNetwork: true, containers: [{ name: "a", image: "y" }] }))).toContain("hostNetwork");
  });
});

describe("labels of a namespace", () => {
  test("that make no sense are refused", async () => {
    const body = namespace({ enforce: "strict", "warn-version": "1.2" });
    expect(await refusalOf(podSecurity(readerWith({}), 36), requestFor("namespaces", body))).toBe(
      'Namespace "shop" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": ' +
        "must be one of privileged, baseline, restricted, " +
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]',
    );
  });

  test("that make the policy stricter are told which pods would not come in", async () => {
    const pods = ["c", "b", "a"].map((name) => ({
      ...pod({ hostNetwork: true }),
      metadata: { name, namespace: "shop" },
    }));
    const request = requestFor("namespaces", namespace({ enforce: "baseline" }), {
      operation: "UPDATE",
      old: namespace({}) as never,
    });
    await refusalOf(podSecurity(readerWith({ pods }), 36), request);
    expect(request.warnings).toEqual([
      'existing pods in namespace "shop" violate the new PodSecurity enforce level "baseline:latest"',
      "a (and 2 other pods): host namespaces",
    ]);
  });

  test("what is enforced is warned of too, unless warnings are spoken of", () => {
    const { policy } = policyOf(namespace({ enforce: "restricted", "enforce-version": "v1.20" }).metadata.labels);
    expect(policy.warn).toEqual({ level: "restricted", version: 20 });
    expect(policyOf(namespace({ enforce: "restricted", warn: "privileged" }).metadata.labels).policy.warn).toEqual({
      level: "privileged",
      version: "latest",
    });
  });
});
