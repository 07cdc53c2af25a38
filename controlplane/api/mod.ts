/**
 * The Kubernetes object model: schemas and the types inferred from them, and everything one can do to an object without a
 * server. Objects are plain JSON values; nothing here reads a clock, the network or chance.
 */
export { type CronExpression, type CronFields, type CronResult, isTimeZone, parseCron } from "./cron/expression.ts";
export { generateName, randomSuffix } from "./lifecycle/generate-name.ts";
export {
  applyDefaults,
  hasStatus,
  type Identity,
  prepareForCreate,
  prepareForPartUpdate,
  prepareForStatusUpdate,
  prepareForUpdate,
  validateCreate,
  validatePartUpdate,
  validateStatusUpdate,
  validateUpdate,
} from "./lifecycle/lifecycle.ts";
export { matchesNodeSelector, matchesTerm as matchesNodeSelectorTerm } from "./nodes/node-selector.ts";
export { tolerates } from "./nodes/tolerations.ts";
export { type OpenAPIInfo, openAPIv2, openAPIv3 } from "./openapi/document.ts";
export { applyJsonPatch, type PatchResult } from "./patch/json-patch.ts";
export { applyMergePatch } from "./patch/merge-patch.ts";
export { applyStrategicMergePatch } from "./patch/strategic-merge-patch.ts";
export { qosClassOf } from "./pods/qos.ts";
export { humanDuration } from "./printers/duration.ts";
export { summarize as summarizePod } from "./printers/pods.ts";
export { columnDefinitions, tableRow } from "./printers/table.ts";
export { decodeProtobuf } from "./protobuf/decode.ts";
export { type Envelope, openEnvelope, protobufMediaType } from "./protobuf/envelope.ts";
export { ProtobufError } from "./protobuf/reader.ts";
export { Quantity, type QuantityFormat, quantityError } from "./quantity/quantity.ts";
export { type Amounts, addAmounts, amountsOf, onlyAmounts, resourceListOf, subtractAmounts } from "./quota/amounts.ts";
export { podTotals } from "./quota/pod-totals.ts";
export { quotaMatches, quotaNames, quotaUsage, unstatedResources } from "./quota/usage.ts";
export { metricsResources } from "./resources/metrics.ts";
export {
  allVerbs,
  type KubeObject,
  type Part,
  type Resource,
  resource,
  type SelectableField,
  type StoredAs,
  type Strategy,
  type Subresource,
  type Verb,
} from "./resources/resource.ts";
export { apiVersionOf, findKind, findResource, groupOrder, servedResources } from "./resources/served.ts";
export { fromBase64, toBase64 } from "./schema/base64.ts";
export { cloneJson } from "./schema/clone.ts";
export { type DecodeResult, decode, strictDecodingError } from "./schema/decode.ts";
export { equalJson } from "./schema/equal.ts";
export type {
  AnyMessage,
  Field,
  FieldType,
  GroupVersionKind,
  Infer,
  KindMessage,
  Message,
  Traits,
  TypeMeta,
} from "./schema/field.ts";
export { type JsonResult, parseJson } from "./schema/json.ts";
export {
  formatMicroTime,
  formatTime,
  type Instant,
  microTimeAt,
  millisecondsOf,
  parseInstant,
  timeAt,
} from "./schema/time.ts";
export { FieldSelector, type FieldSelectorResult, parseFieldSelector } from "./selectors/field-selector.ts";
export {
  everything,
  formatSelector,
  fromLabelSelector,
  type Labels,
  matchesLabels,
  type Operator,
  type Requirement,
  type Selector,
  type SelectorResult,
  selects,
} from "./selectors/label-selector.ts";
export { parseLabelSelector } from "./selectors/parse-label-selector.ts";
/** Constructors of failures; `status.notFound({ group: "", resource: "pods" }, "web")`. */
export * as status from "./status.ts";
export { type FailureStatus, type GroupResource, StatusError, type StatusReason } from "./status.ts";
export * from "./types/mod.ts";
export { type FieldError, FieldErrors, type FieldErrorType } from "./validation/field-errors.ts";
export * as formats from "./validation/formats.ts";
