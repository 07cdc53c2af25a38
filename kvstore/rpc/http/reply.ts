import type { ServerResponse } from "node:http";

export const plain = "text/plain; charset=utf-8";

export function reply(response: ServerResponse, status: number, body: string, type = plain): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

export function notFound(response: ServerResponse): void {
  reply(response, 404, "404 page not found\n");
}

/** False, and the request is answered, if its method is not GET. */
export function isGet(method: string | undefined, response: ServerResponse): boolean {
  if (method === "GET") return true;
  response.setHeader("allow", "GET");
  reply(response, 405, "Method Not Allowed\n");
  return false;
}
