// What happens around a person arrives by itself: each event has the page read again, and its live parts replaced.
"use strict";

const now = document.querySelector("[data-customer]");
const query = `subscription around($id: ID!) { customerActivity(customer: $id) { cursor kind } }`;

async function renew() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) {
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    // A form somebody is writing in stays as it is.
    if (fresh && !part.contains(document.activeElement) && part.innerHTML !== fresh.innerHTML) {
      part.replaceChildren(...fresh.childNodes);
    }
  }
}

let renewing = null;
let again = false;

// Of events that come while the page is read, one more reading is enough.
async function changed() {
  again = true;
  renewing ??= (async () => {
    while (again) {
      again = false;
      await renew();
    }
    renewing = null;
  })();
}

if (now) {
  const asked = new URLSearchParams({ query, variables: JSON.stringify({ id: now.dataset.customer }) });
  const events = new EventSource(`${document.querySelector(".mark").href.replace(/review$/, "events")}?${asked}`);
  events.addEventListener("next", changed);
  events.addEventListener("open", () => document.body.classList.add("is-live"));
  events.addEventListener("error", () => document.body.classList.remove("is-live"));
  events.addEventListener("complete", () => events.close());
}
