export { RpcError } from "../../../proto/mod.ts";
