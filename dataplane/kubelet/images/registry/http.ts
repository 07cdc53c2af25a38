import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read or destroyed. */
  readonly body: IncomingMessage;
}

export interface Ask {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly verifyTls: boolean;
  readonly form?: string;
  readonly signal?: AbortSignal;
}

/** A registry that says nothing for so long is gone. */
const silenceMs = 60_000;
const maxRedirects = 10;

/** One request, redirects followed: storage elsewhere is not shown the registry's credentials. Rejects when there is no answer. */
export async function ask(options: Ask, redirects = 0): Promise<Answer> {
  const answer = await once(options);
  const { location } = answer.headers;
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
  answer.body.destroy();
  if (redirects === maxRedirects) throw new Error(`${options.url}: too many redirects`);
  const url = new URL(location, options.url);
  const { authorization, Authorization, ...bare } = options.headers;
  const headers = url.host === new URL(options.url).host ? options.headers : bare;
  return ask({ ...options, url: url.href, headers }, redirects + 1);
}

function once({ method, url, headers, verifyTls, form, signal }: Ask): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const describe = (error: Error) =>
    new Error(
      `failed to do request: ${method} ${JSON.stringify(url)}: ${error.message || (error as NodeJS.ErrnoException).code}`,
      {
        cause: error,
      },
    );
  const send = url.startsWith("https:") ? tlsRequest : plainRequest;
  const typed = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
  const options = { method, headers: { ...headers, ...typed }, rejectUnauthorized: verifyTls, signal };
  const request = send(url, options, (body) => {
    resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
  });
  request.setTimeout(silenceMs, () => request.destroy(new Error("i/o timeout")));
  request.on("error", (error) => reject(describe(error)));
  request.end(form);
  return promise;
}

const maxDocumentBytes = 8 << 20;

/** A body that is a document. Rejects when it is larger than any manifest may be. */
export async function readDocument(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxDocumentBytes) throw new Error(`the answer is larger than ${maxDocumentBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
