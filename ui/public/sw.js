// Notices on a device that has no page open. Nothing is decided here, and nothing is kept: a click opens the page.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const said = event.data ? event.data.json() : {};
  const text = (value) => (typeof value === "string" ? value.slice(0, 1000) : "");
  event.waitUntil(
    self.registration.showNotification(text(said.title) || "Countersign", {
      body: text(said.body),
      tag: text(said.tag),
      icon: "/icon.svg",
      // What is decided replaces what was asked, without a sound.
      silent: said.closed === true,
      requireInteraction: said.closed !== true,
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = async () => {
    const pages = await self.clients.matchAll({ type: "window" });
    await (pages[0] ? pages[0].focus() : self.clients.openWindow("/"));
  };
  event.waitUntil(open());
});
