// Keys for what the page offers anyway: without this script everything works, by Tab, Enter and mouse.
"use strict";

const STORED = "knownas.desk.keys";
const dialog = document.getElementById("keys");
const toggle = document.querySelector("[data-keys-on]");

const areOn = () => localStorage.getItem(STORED) !== "off";
const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select") !== null;

function step(by) {
  const lines = [...document.querySelectorAll("[data-line]")];
  const place = lines.indexOf(document.activeElement);
  const next = place < 0 ? (by > 0 ? 0 : lines.length - 1) : place + by;
  lines[Math.max(0, Math.min(next, lines.length - 1))]?.focus();
}

function press(key) {
  const found = document.querySelector(`[data-key="${key}"]`);
  if (found instanceof HTMLButtonElement) {
    found.form.requestSubmit(found);
  } else {
    found?.focus();
    found?.select();
  }
  return found !== null;
}

const go = (path) => location.assign(document.querySelector(".mark").href.replace(/review$/, path));

function pressed(event) {
  const { key, target } = event;
  if (key === "Escape" && isTyping(target)) {
    target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target) || dialog?.open) {
    return;
  }
  if (key === "?") {
    dialog?.showModal();
  } else if (!areOn()) {
    return;
  } else if (key === "j" || key === "k") {
    step(key === "j" ? 1 : -1);
  } else if (key === "q") {
    go("review");
  } else if (key === "/" && !press("/")) {
    go("customers");
  } else if (!["e", "c", "r", "u", "/"].includes(key) || (key !== "/" && !press(key))) {
    return;
  }
  event.preventDefault();
}

if (dialog) {
  const opener = document.querySelector("[data-keys]");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  toggle.checked = areOn();
  toggle.addEventListener("change", () => localStorage.setItem(STORED, toggle.checked ? "on" : "off"));
  document.addEventListener("keydown", pressed);
}
