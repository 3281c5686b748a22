/* Tells the gateway of visits, in the format of Segment's tracking API.
 *
 *   <script src="https://graph.example.com/collect.js" data-write-key="..." async></script>
 *
 * The first page is told by itself; then knownas.page(), .track(name, properties),
 * .identify(userId, traits) and .consent(true | false). Nothing is told of who does not want to be
 * tracked (Do Not Track, Global Privacy Control) but what the page asks for by name.
 */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.knownas) return;
  const address = script.src.replace(/\.js(?:[?#].*)?$/, "");
  const writeKey = script.dataset.writeKey;
  const IDLE_MS = 30 * 60 * 1000;

  const memory = {};
  const store = {
    get(name) {
      try { return localStorage.getItem("knownas." + name); } catch { return memory[name] ?? null; }
    },
    set(name, value) {
      memory[name] = value;
      try { localStorage.setItem("knownas." + name, value); } catch { /* kept for this page */ }
    },
  };
  const fresh = () =>
    crypto.randomUUID ? crypto.randomUUID()
      : [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

  const visitor = () => {
    let id = store.get("visitor");
    if (!id) store.set("visitor", (id = fresh()));
    return id;
  };
  const session = () => {
    const now = Date.now();
    let [id, last] = (store.get("session") || "").split("|");
    if (!id || now - Number(last) > IDLE_MS) id = fresh();
    store.set("session", id + "|" + now);
    return id;
  };
  const said = () => {
    const consent = store.get("consent");
    return consent === null ? undefined : consent === "yes";
  };

  const send = (type, more) => {
    const now = new Date().toISOString();
    const body = JSON.stringify({
      writeKey, type, messageId: fresh(), anonymousId: visitor(),
      userId: store.get("user") || undefined, timestamp: now, sentAt: now,
      context: {
        sessionId: session(), consent: said(),
        page: { path: location.pathname, title: document.title, referrer: document.referrer || undefined },
      },
      ...more,
    });
    const blob = new Blob([body], { type: "text/plain" });
    if (navigator.sendBeacon && navigator.sendBeacon(address, blob)) return;
    fetch(address, { method: "POST", body: blob, keepalive: true, credentials: "omit" }).catch(() => {});
  };

  window.knownas = {
    page: (name, properties = {}) => send("page", { name, properties }),
    track: (event, properties = {}) => send("track", { event, properties }),
    identify: (userId, traits = {}) => {
      if (userId) store.set("user", String(userId));
      send("identify", { traits });
    },
    consent: (granted) => {
      store.set("consent", granted ? "yes" : "no");
      send("identify", {});
    },
    visitorId: visitor,
  };
  if (!(navigator.doNotTrack === "1" || navigator.globalPrivacyControl)) window.knownas.page();
})();
