// Serves the page where the network does not: its files, and the samples that were looked at. Never the model or the
// API: the package keeps the model's weights itself.
//
// A build's files carry its version in their addresses (`main.js?v=…`), and this worker answers only for its own. The
// page itself is asked of the network first: a new build is seen at once, with files that come from the network until
// its own worker has taken over, which it does when the last tab of this build is closed.

declare const self: ServiceWorkerGlobalScope;

/** Put in by build.mjs: the version, and of each file its address beside this worker and its hash. */
declare const VERSION: string;
declare const FILES: Record<string, string>;

const PREFIX = "demo-page-";
const CACHE = `${PREFIX}${VERSION}`;
const PAGE = "index.html";

self.addEventListener("install", (event) => event.waitUntil(fill()));

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const name = nameOf(request);
  if (name === undefined) return;
  if (request.mode === "navigate") event.respondWith(networkFirst(request, PAGE));
  else if (new URL(request.url).searchParams.get("v") === VERSION) event.respondWith(cacheFirst(request, name));
  else if (!request.url.includes("?")) event.respondWith(networkFirst(request, name));
});

/** The file that a request asks for; undefined where it is none of the page's. */
function nameOf({ url, method, mode }: Request): string | undefined {
  const scope = self.registration.scope;
  if (method !== "GET" || !url.startsWith(scope)) return undefined;
  const name = new URL(url).pathname.slice(new URL(scope).pathname.length) || PAGE;
  if (mode === "navigate") return name === PAGE ? name : undefined;
  return name in FILES || /^photos\/[^/]+$/.test(name) ? name : undefined;
}

/** The hashes make sure that these are this build's files: the server's may have been replaced meanwhile. */
async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const [name, integrity] of Object.entries(FILES)) {
    const answer = await fetch(name === PAGE ? "./" : `${name}?v=${VERSION}`, { integrity, cache: "no-cache" });
    if (!answer.ok) throw new Error(`${name}: the server answered ${answer.status}`);
    await cache.put(name, answer);
  }
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

async function cacheFirst(request: Request, name: string): Promise<Response> {
  return (await kept(name)) ?? fetch(request);
}

/** What is kept stands in for a network that is not there, and for a server in front of one that is down. */
async function networkFirst(request: Request, name: string): Promise<Response> {
  try {
    const answer = await fetch(request);
    if (answer.status >= 500) return (await kept(name)) ?? answer;
    if (answer.status === 200 && !(name in FILES)) await (await caches.open(CACHE)).put(name, answer.clone());
    return answer;
  } catch (error) {
    const answer = await kept(name);
    if (answer) return answer;
    throw error;
  }
}

async function kept(name: string): Promise<Response | undefined> {
  return (await caches.open(CACHE)).match(name);
}

export {};
