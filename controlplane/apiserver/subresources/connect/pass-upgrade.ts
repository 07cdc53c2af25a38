import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { assert } from "../../../../base/mod.ts";
import { join, requestUpgrade, tune, type UpgradeAnswer } from "../../../../streaming/mod.ts";
import { StatusError, status } from "../../../api/mod.ts";
import type { Call } from "../../http/call.ts";
import type { Reply } from "../../http/reply.ts";

/** What a client says about itself to the API server is not for others to hear. */
const ours =
  /^(?:authorization|impersonate-.*|host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|:.*)$/;
/** How browsers, which cannot set headers, show a token. */
const tokenProtocol = /^base64url\.bearer\.authorization\.k8s\.io\./;

/** A client's headers, as far as they concern who it is passed on to. */
export function headersToPass(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ours.test(name)) continue;
    passed[name] = name === "sec-websocket-protocol" ? withoutToken(String(value)) : value;
  }
  return passed;
}

function withoutToken(protocols: string): string {
  const names = protocols.split(",").map((name) => name.trim());
  return names.filter((name) => !tokenProtocol.test(name)).join(", ");
}

/** Has another server upgrade the connection, and joins the two: whatever they speak then, no byte of it is changed. */
export async function passUpgrade(call: Call, target: RequestOptions & { readonly secure: boolean }): Promise<Reply> {
  const { connection } = call;
  assert(connection?.upgrade !== undefined, "only an upgrade is passed on as one");
  const { headers, method } = connection.request;
  let answer: UpgradeAnswer;
  try {
    const passed = { ...headersToPass(headers), connection: "Upgrade", upgrade: headers.upgrade };
    // Headers of the target itself (Host, X-Forwarded-…) come last.
    answer = await requestUpgrade({
      ...target,
      method,
      headers: { ...passed, ...target.headers },
      signal: call.signal,
    });
  } catch (error) {
    const message = `error dialing backend: ${(error as Error).message}`;
    throw new StatusError(status.internalError(message));
  }
  if (answer.kind === "answered") return passAnswer(answer.response);
  const { response, socket, head } = answer;
  return {
    kind: "session",
    code: 101,
    async serve({ socket: client, head: first }) {
      for (const one of [client, socket]) {
        tune(one);
        one.on("error", () => one.destroy());
      }
      client.write(headOf(response));
      if (head.length > 0) socket.unshift(head);
      if (first.length > 0) client.unshift(first);
      await join(client, socket);
    },
  };
}

/** An answer in HTTP, as it came. */
export function passAnswer(response: IncomingMessage): Reply {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !ours.test(name)) headers[name] = value;
  }
  return { kind: "passed", code: response.statusCode ?? 502, headers, body: response };
}

function headOf({ rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((text, i) => (i % 2 === 0 ? [`${text}: ${rawHeaders[i + 1]}\r\n`] : []));
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`;
}
