// Keeps the page for times without a server. Only its own files are kept: no answer, no recipe, no key.
/// <reference no-default-lib="true"/>
/// <reference lib="es2023"/>
/// <reference lib="webworker"/>

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const scope = worker.registration.scope;
/** The folder of this version's files. */
const FILES = new URL(".", worker.location.href).href;
/** The language of the page, whose texts are kept with it. */
const TEXTS = new URL(`texts/${new URL(worker.location.href).searchParams.get("texts")}.js`, FILES).href;
const CACHE = `beer-model ${TEXTS}`;
/** How long the page waits for the server before the copy is shown, milliseconds. */
const PATIENCE = 3000;

worker.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => worker.skipWaiting()));
});

/** Keeps the page and every file that it names. */
async function keep() {
  const page = await fetch(scope, { headers: { Accept: "text/html" }, cache: "no-cache", credentials: "omit" });
  if (!page.ok) throw new Error("the page is not there");
  const cache = await caches.open(CACHE);
  const text = await page.clone().text();
  const names = [...text.matchAll(/(?:href|src)="([^"]*page\/[^"]+)"/g)].map(
    (found) => new URL(String(found[1]), scope).href,
  );
  await cache.addAll([...new Set([...names, TEXTS])].filter((name) => name.startsWith(FILES)));
  await cache.put(scope, page);
}

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((name) => name.startsWith("beer-model ") && name !== CACHE).map((name) => caches.delete(name)),
        ),
      )
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { href } = new URL(request.url);
  if (request.mode === "navigate" && href.split(/[?#]/)[0] === scope) event.respondWith(page(request));
  else if (href.startsWith(FILES)) event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
});

/**
 * Returns the page from the server, or the copy if it does not answer.
 *
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status < 500) return answer;
  } catch {
    // the server is away
  }
  return (await caches.match(scope)) ?? Response.error();
}
