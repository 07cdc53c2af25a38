export { type Caught, type Forced, patchesOf, type Search, type SeededBug, type Trial } from "./bug.ts";
export { type HuntOptions, hunt, isCaught, type Trophy } from "./hunt.ts";
export { type Patch, patched } from "./patch.ts";
export { installPatches } from "./switch.ts";
export { seededBugs } from "./table.ts";
