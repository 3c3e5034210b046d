// Stands in for the generated module where it has not been generated yet; its own types are preferred to these.
declare module "*/wasm/headwater.js";
