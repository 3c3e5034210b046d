// Where `headwater serve` runs: the page then finds model and server at its own origin.
const HEADWATER = process.env.HEADWATER_ORIGIN ?? "http://127.0.0.1:8080";

export default {
  rewrites: async () =>
    ["/v2/:path*", "/models/:path*"].map((source) => ({ source, destination: `${HEADWATER}${source}` })),
};
