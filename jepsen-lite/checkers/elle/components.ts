import type { Adjacency } from "./graph.ts";

/**
 * Strongly connected components of more than one node, along edges of the kinds in `mask`: every cycle lies in one of them. Tarjan's algorithm, with its
 * recursion as a stack of its own: histories are longer than call stacks are deep.
 * @returns the component of each node: 0 for none, else 1, 2, …
 */
export function components(
  graph: Adjacency,
  mask: number,
): { readonly of: Int32Array; readonly members: readonly (readonly number[])[] } {
  const { nodes, starts, to, kind } = graph;
  const of = new Int32Array(nodes);
  const members: number[][] = [];
  /** Order of discovery from 1; 0 for not yet. */
  const found = new Int32Array(nodes);
  const low = new Int32Array(nodes);
  const onStack = new Uint8Array(nodes);
  const cursor = starts.slice(0, nodes);
  const stack: number[] = [];
  const path: number[] = [];
  let discovered = 0;
  for (let root = 0; root < nodes; root++) {
    if (found[root] !== 0) continue;
    path.push(root);
    while (path.length > 0) {
      const node = path[path.length - 1] as number;
      if (found[node] === 0) {
        found[node] = low[node] = ++discovered;
        onStack[node] = 1;
        stack.push(node);
      }
      const end = starts[node + 1] as number;
      let deeper = false;
      let at = cursor[node] as number;
      for (; at < end; at++) {
        if (((kind[at] as number) & mask) === 0) continue;
        const next = to[at] as number;
        if (found[next] === 0) {
          path.push(next);
          deeper = true;
          break;
        }
        // Also when a child was just finished: its edge is looked at again, and its low is final.
        if (onStack[next] === 1 && (low[next] as number) < (low[node] as number)) low[node] = low[next] as number;
      }
      cursor[node] = at;
      if (deeper) continue;
      path.pop();
      if (low[node] !== found[node]) continue;
      const component: number[] = [];
      for (;;) {
        const member = stack.pop() as number;
        onStack[member] = 0;
        component.push(member);
        if (member === node) break;
      }
      if (component.length === 1) continue;
      members.push(component);
      for (const member of component) of[member] = members.length;
    }
  }
  return { of, members };
}
