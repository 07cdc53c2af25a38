import { describe, expect, test } from "vitest";
import { StatusError, servedResources } from "../../api/mod.ts";
import { gnosticMediaType } from "./gnostic/document.ts";
import { OpenApi } from "./openapi.ts";

const openApi = new OpenApi(servedResources, "v1.33.0");

function swagger(headers: { accept?: string; "if-none-match"?: string }) {
  const reply = openApi.answer("/openapi/v2", new URLSearchParams(), headers);
  if (reply?.kind !== "body") throw new Error("a document is a body");
  return reply;
}

describe("/openapi/v2", () => {
  test.each([
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["application/json, */*", "application/json"],
    ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", gnosticMediaType],
    ["application/com.github.proto-openapi.spec.v2.v1.0+protobuf", gnosticMediaType],
    [
      "application/vnd.kubernetes.protobuf, application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
      gnosticMediaType,
    ],
    ["application/json;q=0.5, application/com.github.proto-openapi.spec.v2@v1.0+protobuf", gnosticMediaType],
  ])("who accepts %s gets %s", (accept, contentType) => {
    const reply = swagger({ accept });
    expect(reply).toMatchObject({ code: 200, contentType, headers: { Vary: "Accept" } });
    const start = contentType === "application/json" ? '{"swagger":"2.0"' : "\n\u00032.0";
    expect(Buffer.from(reply.body).toString()).toMatch(new RegExp(`^${start}`));
  });

  test("who accepts neither is told what there is", () => {
    const refused = () => swagger({ accept: "application/xml" });
    expect(refused).toThrow(StatusError);
    expect(refused).toThrow(/application\/json/);
  });

  test("each form has its own hash, and who has it gets no second copy", () => {
    const tags = ["application/json", gnosticMediaType].map((accept) => {
      const ETag = swagger({ accept }).headers?.ETag ?? "";
      expect(swagger({ accept, "if-none-match": ETag })).toMatchObject({ code: 304, body: "", headers: { ETag } });
      return ETag;
    });
    expect(new Set(tags).size).toBe(2);
    expect(swagger({ accept: gnosticMediaType, "if-none-match": tags[0] as string }).code).toBe(200);
  });
});
