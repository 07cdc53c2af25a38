import type { ServerResponse } from "node:http";
import { Session } from "node:inspector/promises";
import { reply } from "./reply.ts";

const prefix = "/debug/pprof/";
const defaultSeconds = 30;

const index = `Profiles of this process, which is not a Go program: they are V8's, and open in the developer tools of Chromium or in VS Code.

${prefix}profile?seconds=30  where the time goes (.cpuprofile)
${prefix}heap?seconds=30     what is allocated meanwhile, sampled (.heapprofile)

There is no /goroutine, /block, /mutex, /threadcreate, /symbol or /trace: nothing here corresponds to them.
`;

/** Below `/debug/pprof/`, where etcd serves Go's profiles. False if the path is another. */
export async function serveProfile(url: URL, response: ServerResponse): Promise<boolean> {
  if (!url.pathname.startsWith(prefix)) return false;
  const seconds = Number(url.searchParams.get("seconds") ?? defaultSeconds);
  const waitMs = 1000 * Math.min(Math.max(Number.isFinite(seconds) ? seconds : defaultSeconds, 0), 3600);
  switch (url.pathname.slice(prefix.length)) {
    case "":
      reply(response, 200, index);
      break;
    case "profile":
      await send(response, "cpuprofile", () => cpuProfile(waitMs));
      break;
    case "heap":
    case "allocs":
      await send(response, "heapprofile", () => heapProfile(waitMs));
      break;
    default:
      reply(response, 404, index);
  }
  return true;
}

async function send(response: ServerResponse, extension: string, take: () => Promise<object>): Promise<void> {
  response.setHeader("content-disposition", `attachment; filename="profile.${extension}"`);
  reply(response, 200, JSON.stringify(await take()), "application/json");
}

async function cpuProfile(waitMs: number): Promise<object> {
  return withSession(async (session) => {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await elapsed(waitMs);
    return (await session.post("Profiler.stop")).profile;
  });
}

async function heapProfile(waitMs: number): Promise<object> {
  return withSession(async (session) => {
    await session.post("HeapProfiler.enable");
    await session.post("HeapProfiler.startSampling", {});
    await elapsed(waitMs);
    return (await session.post("HeapProfiler.stopSampling")).profile;
  });
}

async function withSession(take: (session: Session) => Promise<object>): Promise<object> {
  const session = new Session();
  session.connect();
  try {
    return await take(session);
  } finally {
    session.disconnect();
  }
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
