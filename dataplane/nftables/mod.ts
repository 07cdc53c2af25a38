export { change, freshTable } from "./change.ts";
export { run } from "./command.ts";
export { NftTable, nftablesWork } from "./nft-table.ts";
export { emptyContent, type Frame, type TableContent } from "./table.ts";
