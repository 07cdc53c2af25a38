import type { Encoded, Event } from "../../proto/mod.ts";

/** Room for a response's other fields. */
const headBytes = 64;

/** Cuts events into parts that make messages of at most `maxBytes`. An event larger than that is a part of its own. */
export function* fragments(
  events: readonly Encoded<Event>[],
  maxBytes: number,
): Generator<{ readonly part: readonly Encoded<Event>[]; readonly isLast: boolean }> {
  let start = 0;
  let sizeBytes = headBytes;
  for (let at = 0; at < events.length; at++) {
    // Tag and length take up to six bytes.
    const eventBytes = (events[at] as Encoded<Event>).length + 6;
    if (at > start && sizeBytes + eventBytes > maxBytes) {
      yield { part: events.slice(start, at), isLast: false };
      start = at;
      sizeBytes = headBytes;
    }
    sizeBytes += eventBytes;
  }
  yield { part: events.slice(start), isLast: true };
}
