// The key, and the state of the server, as the user sees them.

import { server } from "./api.js";
import { byId, icon, refill, say } from "./dom.js";
import { currentKey, forgetKey, hasWorked, isKept, setKey } from "./key.js";
import { t } from "./text.js";

let wrong = false;

/** Connects the form for the key and the line about the server. */
export function connectAccess() {
  const form = /** @type {HTMLFormElement} */ (byId("key-form"));
  const input = /** @type {HTMLInputElement} */ (byId("key"));
  const keep = /** @type {HTMLInputElement} */ (byId("keep"));
  keep.checked = isKept();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    const key = input.value;
    input.value = "";
    server.set("ready");
    setKey(key, keep.checked);
    form.hidden = true;
    drawButton();
  });
  byId("key-button").addEventListener("click", () => {
    form.hidden = !form.hidden;
    draw();
    if (!form.hidden) input.focus();
  });
  byId("forget").addEventListener("click", () => {
    forgetKey();
    server.set("key");
    draw();
  });
  server.addEventListener("change", () => {
    wrong = server.state === "key" && Boolean(currentKey());
    if (server.state === "key") form.hidden = false;
    draw();
  });
  setInterval(drawState, 500);
  form.hidden = Boolean(currentKey());
  draw();
}

function drawButton() {
  refill(byId("key-button"), icon("key"), t("keyHave"));
  byId("key-button").setAttribute("aria-expanded", String(!byId("key-form").hidden));
}

function draw() {
  const has = Boolean(currentKey());
  say(byId("key-title"), has && !wrong ? t("keyChange") : t("keyTitle"));
  say(byId("key-problem"), wrong ? t(hasWorked() ? "keyRevoked" : "keyWrong") : "");
  byId("key").toggleAttribute("aria-invalid", wrong);
  byId("forget").hidden = !has;
  drawButton();
  drawState();
}

let was = server.state;

function drawState() {
  const place = byId("server");
  const { state, until } = server;
  const seconds = Math.ceil((until - Date.now()) / 1000);
  if (state === "ready" || state === "key") {
    if (was === "away" && state === "ready") {
      say(place, t("back"));
      place.className = "back";
      setTimeout(() => server.state === "ready" && say(place, ""), 4000);
    } else if (state === "key" || was !== "ready") say(place, "");
  } else {
    place.className = state;
    say(place, seconds > 0 ? t(state, { seconds }) : t(state === "away" ? "awayNow" : state, { seconds: 0 }));
  }
  was = state;
}
