import type { Service } from "../../../controlplane/api/mod.ts";

/** Variables that tell a container of the Services it could use (pkg/kubelet/envvars): NAME_SERVICE_HOST and Docker's links. */
export function serviceVariables(services: readonly Service[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const service of services) {
    const { clusterIP = "", ports = [] } = service.spec ?? {};
    const [first] = ports;
    if (clusterIP === "" || clusterIP === "None" || first === undefined) continue;
    const prefix = variableName(service.metadata.name);
    variables.set(`${prefix}_SERVICE_HOST`, clusterIP);
    variables.set(`${prefix}_SERVICE_PORT`, `${first.port}`);
    for (const { name = "", port } of ports) {
      if (name !== "") variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, `${port}`);
    }
    const host = clusterIP.includes(":") ? `[${clusterIP}]` : clusterIP;
    for (const [index, { port, protocol = "TCP" }] of ports.entries()) {
      const lower = protocol.toLowerCase();
      const url = `${lower}://${host}:${port}`;
      const link = `${prefix}_PORT_${port}_${protocol}`;
      if (index === 0) variables.set(`${prefix}_PORT`, url);
      variables.set(link, url);
      variables.set(`${link}_PROTO`, lower);
      variables.set(`${link}_PORT`, `${port}`);
      variables.set(`${link}_ADDR`, clusterIP);
    }
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

/**
 * Services whose variables a pod gets: those of its namespace if it wants them, and those of the master (`kubernetes` in
 * `default`) always. An own Service named `kubernetes` wins over the master's.
 */
export function visibleServices(services: readonly Service[], namespace: string, links: boolean): Service[] {
  const visible = new Map<string, Service>();
  for (const service of services) {
    const { name, namespace: home } = service.metadata;
    if (home === namespace && (links || name === "kubernetes")) visible.set(name, service);
    else if (home === "default" && name === "kubernetes" && !visible.has(name)) visible.set(name, service);
  }
  return [...visible.values()];
}
