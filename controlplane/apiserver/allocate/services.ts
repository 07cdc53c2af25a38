import type { Random } from "../../../base/mod.ts";
import { type FieldError, FieldErrors, type Service, type ServicePort, type ServiceSpec } from "../../api/mod.ts";
import type { Store } from "../storage/store.ts";
import { RangeAllocator } from "./range-allocator.ts";
import type { AddressRange, PortRange } from "./service-range.ts";

export interface ServiceAllocatorOptions {
  readonly store: Store;
  readonly addresses: AddressRange;
  readonly ports: PortRange;
  readonly random: Random;
}

/** What was taken for one write: to be given back when the write fails. */
export interface Reservation {
  readonly addresses: number[];
  readonly ports: number[];
}

/** Cluster IPs and node ports of Services. Changes the Service it is given; failures are field errors. */
export class ServiceAllocator {
  readonly #addresses: AddressRange;
  readonly #ports: PortRange;
  readonly #takenAddresses: RangeAllocator;
  readonly #takenPorts: RangeAllocator;

  constructor({ store, addresses, ports, random }: ServiceAllocatorOptions) {
    this.#addresses = addresses;
    this.#ports = ports;
    const portCount = ports.last - ports.first + 1;
    this.#takenAddresses = new RangeAllocator(store, {
      key: "/registry/ranges/serviceips",
      range: addresses.cidr,
      size: addresses.size,
      staticBand: band(addresses.size, 16, 256),
      random,
    });
    this.#takenPorts = new RangeAllocator(store, {
      key: "/registry/ranges/servicenodeports",
      range: `${ports.first}-${ports.last}`,
      size: portCount,
      staticBand: band(portCount, 32, 128),
      random,
    });
  }

  /** Gives `next` what its type needs and `old` did not have. With errors, nothing stays taken. */
  async reserve(
    next: Service,
    old: Service | undefined,
    dryRun: boolean,
  ): Promise<{ ok: true; reservation: Reservation } | { ok: false; errors: readonly FieldError[] }> {
    const errors = new FieldErrors();
    const reservation: Reservation = { addresses: [], ports: [] };
    await this.#reserveAddress(next.spec, old?.spec, reservation, errors, dryRun);
    await this.#reservePorts(next.spec, old?.spec, reservation, errors, dryRun);
    if (errors.list.length === 0) return { ok: true, reservation };
    await this.giveBack(reservation, dryRun);
    return { ok: false, errors: errors.list };
  }

  async giveBack({ addresses, ports }: Reservation, dryRun: boolean): Promise<void> {
    if (dryRun) return;
    await this.#takenAddresses.release(addresses);
    await this.#takenPorts.release(ports);
  }

  /** What `old` held and `next` (absent: deleted) does not. */
  noLongerUsed(old: Service, next: Service | undefined): Reservation {
    const kept = next === undefined ? { addresses: [], ports: [] } : this.#held(next);
    const held = this.#held(old);
    return {
      addresses: held.addresses.filter((offset) => !kept.addresses.includes(offset)),
      ports: held.ports.filter((offset) => !kept.ports.includes(offset)),
    };
  }

  async repair(services: Iterable<Service>): Promise<void> {
    const addresses = new Set<number>();
    const ports = new Set<number>();
    for (const service of services) {
      const held = this.#held(service);
      for (const offset of held.addresses) addresses.add(offset);
      for (const offset of held.ports) ports.add(offset);
    }
    await this.#takenAddresses.repair(addresses);
    await this.#takenPorts.repair(ports);
  }

  #held({ spec }: Service): Reservation {
    const addresses = (spec.clusterIPs ?? []).map((ip) => this.#addresses.offset(ip));
    const ports = nodePorts(spec).map((port) => this.#portOffset(port));
    return { addresses: addresses.filter((o) => o !== undefined), ports: ports.filter((o) => o !== undefined) };
  }

  async #reserveAddress(
    spec: ServiceSpec,
    old: ServiceSpec | undefined,
    reservation: Reservation,
    errors: FieldErrors,
    dryRun: boolean,
  ): Promise<void> {
    if (spec.type === "ExternalName") {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      return;
    }
    if (spec.ipFamilyPolicy === "RequireDualStack") {
      const why = "this cluster is not configured for dual-stack services";
      return errors.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, why);
    }
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      if (family !== "IPv4") errors.invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster");
    }
    spec.ipFamilies ??= ["IPv4"];
    spec.ipFamilyPolicy ??= "SingleStack";
    const asked = spec.clusterIP || spec.clusterIPs?.[0] || "";
    const kept = old?.clusterIP || "";
    if (asked === "None" || (asked !== "" && asked === kept)) return setAddress(spec, asked);
    if (asked === "") {
      if (kept !== "" && kept !== "None" && old?.type !== "ExternalName") return setAddress(spec, kept);
      const offset = await this.#takenAddresses.allocateNext(dryRun);
      if (offset === undefined) {
        const full = "failed to allocate a serviceIP: range is full";
        return errors.invalid("spec.clusterIPs", spec.clusterIPs ?? [], full);
      }
      reservation.addresses.push(offset);
      return setAddress(spec, this.#addresses.address(offset));
    }
    const offset = this.#addresses.offset(asked);
    if (offset === undefined) {
      const why = `the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${this.#addresses.cidr}`;
      return errors.invalid("spec.clusterIPs", [asked], `failed to allocate IP ${asked}: ${why}`);
    }
    if (!(await this.#takenAddresses.allocate(offset, dryRun)))
      return errors.invalid(
        "spec.clusterIPs",
        [asked],
        `failed to allocate IP ${asked}: provided IP is already allocated`,
      );
    reservation.addresses.push(offset);
    setAddress(spec, asked);
  }

  async #reservePorts(
    spec: ServiceSpec,
    old: ServiceSpec | undefined,
    reservation: Reservation,
    errors: FieldErrors,
    dryRun: boolean,
  ): Promise<void> {
    const needed =
      spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
    if (!needed && spec.type !== "LoadBalancer") {
      for (const port of spec.ports ?? []) delete port.nodePort;
      return;
    }
    await this.#reserveHealthCheck(spec, old, reservation, errors, dryRun);
    const held = new Set(old === undefined ? [] : nodePorts(old));
    for (const [index, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort) keepPort(port, old, spec.ports ?? []);
      if (port.nodePort && held.has(port.nodePort)) continue;
      // TCP and UDP may share one number within a Service.
      const shared = (spec.ports ?? [])
        .slice(0, index)
        .some((other) => port.nodePort && other.nodePort === port.nodePort);
      if (shared) continue;
      if (port.nodePort)
        await this.#reservePort(port.nodePort, `spec.ports[${index}].nodePort`, reservation, errors, dryRun);
      else if (needed) {
        const offset = await this.#takenPorts.allocateNext(dryRun);
        if (offset === undefined) {
          errors.invalid(`spec.ports[${index}].nodePort`, 0, "failed to allocate a nodePort: range is full");
          continue;
        }
        reservation.ports.push(offset);
        port.nodePort = this.#ports.first + offset;
      }
    }
  }

  /** The port on which nodes tell a balancer whether they have local endpoints. */
  async #reserveHealthCheck(
    spec: ServiceSpec,
    old: ServiceSpec | undefined,
    reservation: Reservation,
    errors: FieldErrors,
    dryRun: boolean,
  ): Promise<void> {
    if (spec.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local") return;
    const field = "spec.healthCheckNodePort";
    if (spec.healthCheckNodePort) {
      if (spec.healthCheckNodePort === old?.healthCheckNodePort) return;
      return this.#reservePort(spec.healthCheckNodePort, field, reservation, errors, dryRun);
    }
    const offset = await this.#takenPorts.allocateNext(dryRun);
    if (offset === undefined) return errors.invalid(field, 0, "failed to allocate a nodePort: range is full");
    reservation.ports.push(offset);
    spec.healthCheckNodePort = this.#ports.first + offset;
  }

  async #reservePort(
    port: number,
    field: string,
    reservation: Reservation,
    errors: FieldErrors,
    dryRun: boolean,
  ): Promise<void> {
    const offset = this.#portOffset(port);
    const { first, last } = this.#ports;
    if (offset === undefined) {
      const why = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      errors.invalid(field, port, why);
    } else if (await this.#takenPorts.allocate(offset, dryRun)) reservation.ports.push(offset);
    else errors.invalid(field, port, "provided port is already allocated");
  }

  #portOffset(port: number): number | undefined {
    const { first, last } = this.#ports;
    return port >= first && port <= last ? port - first : undefined;
  }
}

function setAddress(spec: ServiceSpec, address: string): void {
  spec.clusterIP = address;
  spec.clusterIPs = [address];
}

/** An update that leaves a node port out keeps the one it had: clients apply manifests without them. */
function keepPort(port: ServicePort, old: ServiceSpec | undefined, all: readonly ServicePort[]): void {
  const before = old?.ports?.find((p) => p.port === port.port && (p.protocol ?? "TCP") === (port.protocol ?? "TCP"));
  if (!before?.nodePort || all.some((other) => other.nodePort === before.nodePort)) return;
  port.nodePort = before.nodePort;
}

/** All ports of nodes that it holds. */
function nodePorts(spec: ServiceSpec): number[] {
  const ports = [...(spec.ports ?? []).map((port) => port.nodePort ?? 0), spec.healthCheckNodePort ?? 0];
  return [...new Set(ports.filter((port) => port > 0))];
}

const band = (size: number, divisor: number, most: number) =>
  size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / divisor)), most);
