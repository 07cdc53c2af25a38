import { type ElementHolder, elementHolders, type Ruleset, tableName } from "./ruleset.ts";

const holderTypes: Record<ElementHolder, string> = {
  "service-ips": "map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }",
  "service-nodeports": "map service-nodeports { type inet_proto . inet_service : verdict; }",
  "no-endpoint-services": "map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }",
  "no-endpoint-nodeports": "map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }",
  "cluster-ips": "set cluster-ips { type ipv4_addr; }",
};

/** Replaces whatever table is there by one with the base chains alone; in one transaction with what follows it in a script. */
export function baseTable(): string {
  return `add table ip ${tableName}
delete table ip ${tableName}
table ip ${tableName} {
${elementHolders.map((name) => `  ${holderTypes[name]}`).join("\n")}
  chain reject-chain {
    reject
  }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports
  }
  chain service-endpoints-check {
    ip daddr . meta l4proto . th dport vmap @no-endpoint-services
  }
  chain nodeport-endpoints-check {
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @no-endpoint-nodeports
  }
  chain cluster-ips-check {
    ip daddr @cluster-ips reject
  }
  chain masquerading {
    meta mark and 0x4000 == 0 return
    meta mark set meta mark xor 0x4000
    masquerade fully-random
  }
  chain nat-prerouting {
    type nat hook prerouting priority -100; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority 100; policy accept;
    jump masquerading
  }
  chain filter-input {
    type filter hook input priority 0; policy accept;
    ct state new jump nodeport-endpoints-check
    ct state new jump service-endpoints-check
  }
  chain filter-forward {
    type filter hook forward priority 0; policy accept;
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }
  chain filter-output {
    type filter hook output priority 0; policy accept;
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }
}
`;
}

function sameRules(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/**
 * The smallest script that turns one ruleset into the other; empty when they are equal. New chains come first, as elements and rules
 * refer to them; old ones go last, when nothing refers to them any more. nft applies a script whole or not at all.
 */
export function change(from: Ruleset, to: Ruleset): string {
  const lines: string[] = [];
  for (const [name, seconds] of to.affinitySets) {
    if (from.affinitySets.has(name)) continue;
    lines.push(`add set ip ${tableName} ${name} { type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; }`);
  }
  const changed = [...to.chains].filter(([name, rules]) => !sameRules(from.chains.get(name), rules));
  for (const [name] of changed) lines.push(`add chain ip ${tableName} ${name}`);
  for (const [name, rules] of changed) {
    if (from.chains.has(name)) lines.push(`flush chain ip ${tableName} ${name}`);
    for (const rule of rules) lines.push(`add rule ip ${tableName} ${name} ${rule}`);
  }
  for (const holder of elementHolders) lines.push(...changeElements(holder, from, to));
  const obsolete = [...from.chains.keys()].filter((name) => !to.chains.has(name));
  // Chains that go may refer to each other (a service's to its endpoints'): empty all before deleting any.
  for (const name of obsolete) lines.push(`flush chain ip ${tableName} ${name}`);
  for (const name of obsolete) lines.push(`delete chain ip ${tableName} ${name}`);
  for (const name of from.affinitySets.keys()) {
    if (!to.affinitySets.has(name)) lines.push(`delete set ip ${tableName} ${name}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function changeElements(holder: ElementHolder, from: Ruleset, to: Ruleset): string[] {
  const before = from.elements.get(holder) as ReadonlyMap<string, string>;
  const after = to.elements.get(holder) as ReadonlyMap<string, string>;
  const element = (key: string, value: string) => (value === "" ? key : `${key} : ${value}`);
  const gone = [...before].filter(([key, value]) => after.get(key) !== value);
  const fresh = [...after].filter(([key, value]) => before.get(key) !== value);
  const lines: string[] = [];
  if (gone.length > 0) {
    lines.push(
      `delete element ip ${tableName} ${holder} { ${gone.map(([key, value]) => element(key, value)).join(", ")} }`,
    );
  }
  if (fresh.length > 0) {
    lines.push(
      `add element ip ${tableName} ${holder} { ${fresh.map(([key, value]) => element(key, value)).join(", ")} }`,
    );
  }
  return lines;
}
