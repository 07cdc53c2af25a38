import type { Operation } from "../../history/mod.ts";
import { type DependencyGraph, dependency } from "./graph.ts";

/** Each process' transactions in their order. */
export function addProcessOrder(graph: DependencyGraph, transactions: readonly Operation[]): void {
  const last = new Map<number, number>();
  for (let i = 0; i < transactions.length; i++) {
    const { process } = transactions[i] as Operation;
    const before = last.get(process);
    if (before !== undefined) graph.add(before, i, dependency.process);
    last.set(process, i);
  }
}

/**
 * Transactions that returned before another was invoked. Real time is a line: what returned between two invocations leads to one auxiliary node, this to the next
 * such node, and each to what is invoked before anything else returns. So the order of n transactions takes some 3n edges, however many were concurrent.
 */
export function addRealtimeOrder(graph: DependencyGraph, transactions: readonly Operation[]): void {
  const byReturn = transactions
    .map((operation, i) => ({ i, returned: operation.returned }))
    .filter(({ returned }) => returned !== Infinity)
    .sort((a, b) => a.returned - b.returned);
  let returned = 0;
  let moment = -1;
  for (let i = 0; i < transactions.length; i++) {
    const { index } = transactions[i] as Operation;
    if (returned < byReturn.length && (byReturn[returned] as { returned: number }).returned < index) {
      const next = graph.addAuxiliary();
      if (moment >= 0) graph.add(moment, next, dependency.realtime);
      for (; returned < byReturn.length; returned++) {
        const done = byReturn[returned] as { i: number; returned: number };
        if (done.returned > index) break;
        graph.add(done.i, next, dependency.realtime);
      }
      moment = next;
    }
    if (moment >= 0) graph.add(moment, i, dependency.realtime);
  }
}
