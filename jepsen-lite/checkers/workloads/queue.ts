import { type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, isFields, textOfJson } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

interface Element {
  readonly text: string;
  readonly enqueue: Operation;
  readonly dequeues: Operation[];
}

/**
 * A queue that is empty at the end: each element that was put in for certain was taken out, once, and none that was not put in; and of two, one put in after the
 * other, the later was not taken out first.
 *
 * Operations: `enqueue` of `{ element }`, each once; `dequeue`, which gets `{ element }`. One that crashed may say which it was after; of those that do not,
 * each may have taken any one.
 */
export const queue = checker<Record<never, never>>("queue", (history) => {
  const operations = operationsOf(history);
  const anomalies: Anomaly[] = [];
  const elements = new Map<string, Element>();
  for (const enqueue of operations) {
    if (enqueue.f !== "enqueue") continue;
    const text = textOfJson(fieldsOf(enqueue, enqueue.input).element);
    elements.set(text, { text, enqueue, dequeues: [] });
  }
  const maybeTaken = new Set<string>();
  let takenByNobodyKnowsWhom = 0;
  let judged = 0;
  for (const dequeue of operations) {
    if (dequeue.f !== "dequeue" || dequeue.outcome === "fail") continue;
    if (dequeue.outcome === "info") {
      if (isFields(dequeue.output)) maybeTaken.add(textOfJson(dequeue.output.element));
      else takenByNobodyKnowsWhom++;
      continue;
    }
    judged++;
    const text = textOfJson(fieldsOf(dequeue).element);
    const element = elements.get(text);
    if (element === undefined || element.enqueue.outcome === "fail" || element.enqueue.index > dequeue.returned)
      anomalies.push({
        kind: "phantom",
        explanation: `Dequeue ${dequeue.index} took ${text}, which ${element === undefined ? "nobody put in" : element.enqueue.outcome === "fail" ? "was not put in" : "was put in only after that"}.`,
        operations: [...(element === undefined ? [] : [element.enqueue.index]), dequeue.index],
      });
    element?.dequeues.push(dequeue);
  }
  const lost: Element[] = [];
  for (const element of elements.values()) {
    const { text, enqueue, dequeues } = element;
    const [first, second] = dequeues;
    if (first !== undefined && second !== undefined)
      anomalies.push({
        kind: "taken-twice",
        explanation: `Element ${text} was taken by dequeue ${first.index} and by dequeue ${second.index}.`,
        operations: [enqueue.index, first.index, second.index],
      });
    if (first === undefined && enqueue.outcome === "ok" && !maybeTaken.has(text)) lost.push(element);
  }
  for (const { text, enqueue } of lost.slice(takenByNobodyKnowsWhom))
    anomalies.push({
      kind: "lost",
      explanation: `Element ${text} was put in by operation ${enqueue.index}, and never taken out.`,
      operations: [enqueue.index],
    });
  judgeOrder(elements, anomalies);
  return {
    anomalies,
    judged,
    of: "dequeues",
    figures: { elements: elements.size, crashedDequeues: takenByNobodyKnowsWhom + maybeTaken.size },
  };
});

/** Of all that were put in before another, and so had to be taken out before it, the one that was taken out last says it all. */
function judgeOrder(elements: ReadonlyMap<string, Element>, anomalies: Anomaly[]): void {
  const taken = [...elements.values()].flatMap(({ text, enqueue, dequeues }) => {
    const [dequeue] = dequeues;
    return dequeue === undefined ? [] : [{ text, enqueue, dequeue }];
  });
  const byReturn = [...taken].sort((a, b) => a.enqueue.returned - b.enqueue.returned);
  const byInvocation = [...taken].sort((a, b) => a.enqueue.index - b.enqueue.index);
  let at = 0;
  let last: (typeof taken)[number] | undefined;
  for (const later of byInvocation) {
    for (; at < byReturn.length && (byReturn[at] as typeof later).enqueue.returned < later.enqueue.index; at++) {
      const before = byReturn[at] as typeof later;
      if (last === undefined || before.dequeue.index > last.dequeue.index) last = before;
    }
    if (last === undefined || later.dequeue.returned > last.dequeue.index) continue;
    anomalies.push({
      kind: "out-of-order",
      explanation: `Element ${last.text} was put in (operation ${last.enqueue.index}) before ${later.text} (operation ${later.enqueue.index}), but ${later.text} had been taken out (operation ${later.dequeue.index}) before anybody began to take out ${last.text} (operation ${last.dequeue.index}).`,
      operations: [last.enqueue.index, later.enqueue.index, later.dequeue.index, last.dequeue.index],
    });
  }
}
