import type { Resource, SelfSubjectReview, TokenReview, UserInfo } from "../../api/mod.ts";
import { status } from "../../api/mod.ts";
import type { Authenticator } from "../auth/authenticate.ts";
import type { User } from "../auth/user.ts";
import { fail } from "../fail.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";

/** Who am I? (`kubectl auth whoami`) */
export async function selfSubjectReview(resource: Resource, call: Call): Promise<Reply> {
  const review = (await decodeBody(call, { schema: resource.schema, gvk: resource })) as unknown as SelfSubjectReview;
  return encodeStatus(call, { ...review, status: { userInfo: userInfo(call.user) } }, 201);
}

/** Whose token is this? `issuer` is the audience meant when the review names none. */
export async function tokenReview(
  resource: Resource,
  call: Call,
  authenticator: Authenticator,
  issuer: string,
): Promise<Reply> {
  const review = (await decodeBody(call, { schema: resource.schema, gvk: resource })) as unknown as TokenReview;
  const { token, audiences = [issuer] } = review.spec;
  if (token === "") fail(status.badRequest("token is required for TokenReview in authentication"));
  const found = await authenticator.reviewToken(token, audiences);
  const answer =
    found === undefined
      ? { error: "invalid bearer token" }
      : { authenticated: true, user: userInfo(found.user), audiences: [...found.audiences] };
  return encodeStatus(call, { ...review, status: answer }, 201);
}

function userInfo({ name, uid, groups, extra }: User): UserInfo {
  return {
    username: name,
    ...(uid && { uid }),
    groups: [...groups],
    ...(extra && { extra: extra as UserInfo["extra"] }),
  };
}
