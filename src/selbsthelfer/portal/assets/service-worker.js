// Keeps one page, which says that there is no network, as a stranger sees it; nothing else is ever stored on the device.
const KEPT = "selbsthelfer-offline-" + "DIGEST";
const OFFLINE = "OFFLINE_PAGE";
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll([new Request(OFFLINE, { credentials: "omit" }), "STYLESHEET", "ICON"])));
  self.skipWaiting();
});
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
  );
});
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
  } else if (new URL(event.request.url).pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(event.request).then((kept) => kept || fetch(event.request)));
  }
});
