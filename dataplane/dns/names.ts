import { isIPv4, isIPv6 } from "node:net";

/** Lower case, without the dot of the root: names are the same in every case (RFC 4343). */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** The labels before `zone`, the outermost last; undefined for a name outside it. Both canonical. */
export function labelsBelow(name: string, zone: string): string[] | undefined {
  if (name === zone) return [];
  return name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1).split(".") : undefined;
}

/** `1.0.96.10.in-addr.arpa` is about 10.96.0.1 (RFC 1035 §3.5); undefined for everything else. */
export function addressOfReverseName(name: string): string | undefined {
  const labels = labelsBelow(name, "in-addr.arpa");
  if (labels?.length !== 4) return undefined;
  const address = labels.reverse().join(".");
  return isIPv4(address) ? address : undefined;
}

/** An address as one label: `10-244-1-7`, `fd00--1`. */
export function dashed(address: string): string {
  return address.replace(/[.:]/g, "-");
}

/** The address that a label spells; undefined when it spells none. */
export function undashed(label: string): string | undefined {
  const v4 = label.replaceAll("-", ".");
  if (isIPv4(v4)) return v4;
  const v6 = label.replaceAll("-", ":");
  return isIPv6(v6) ? v6 : undefined;
}
