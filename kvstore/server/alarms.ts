import { AlarmMember, AlarmType } from "../../proto/mod.ts";
import { type Backend, type ByteString, toByteString } from "../mvcc/mod.ts";

/** Which members raised which alarm, as the log has it. */
export class Alarms {
  #backend: Backend;
  #active: AlarmMember[] = [];

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  static async open(backend: Backend): Promise<Alarms> {
    const alarms = new Alarms(backend);
    await alarms.reload(backend);
    return alarms;
  }

  /** After a snapshot was installed. */
  async reload(backend: Backend): Promise<void> {
    const active: AlarmMember[] = [];
    for await (const records of backend.scan("alarm")) {
      for (const { key } of records) active.push(AlarmMember.decode(key));
    }
    this.#backend = backend;
    this.#active = active;
  }

  get active(): readonly AlarmMember[] {
    return this.#active;
  }

  has(alarm: AlarmType): boolean {
    return this.#active.some((active) => active.alarm === alarm);
  }

  /** Of one kind, or of all (NONE). */
  ofKind(alarm: AlarmType): readonly AlarmMember[] {
    return alarm === AlarmType.NONE ? this.#active : this.#active.filter((active) => active.alarm === alarm);
  }

  activate(memberID: bigint, alarm: AlarmType): AlarmMember {
    const known = this.#find(memberID, alarm);
    if (known !== undefined) return known;
    const raised = { memberID, alarm };
    this.#active.push(raised);
    this.#backend.put("alarm", recordKey(raised), new Uint8Array(0));
    return raised;
  }

  /** Undefined if this very alarm was not active. */
  deactivate(memberID: bigint, alarm: AlarmType): AlarmMember | undefined {
    const known = this.#find(memberID, alarm);
    if (known === undefined) return undefined;
    this.#active = this.#active.filter((active) => active !== known);
    this.#backend.delete("alarm", recordKey(known));
    return known;
  }

  #find(memberID: bigint, alarm: AlarmType): AlarmMember | undefined {
    return this.#active.find((active) => active.memberID === memberID && active.alarm === alarm);
  }
}

/** The record is its key, as in etcd. */
function recordKey(alarm: AlarmMember): ByteString {
  return toByteString(AlarmMember.encode(alarm));
}
