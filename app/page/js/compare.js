// Compare: up to four answers, pinned side by side on one axis.

import { answers } from "./answers.js";
import { words } from "./answer.js";
import { byId, h, refill, s } from "./dom.js";
import { isRecipe, store } from "./recipe.js";
import { tabs } from "./tabs.js";
import { timeOf } from "./target.js";
import { number, percent, t } from "./text.js";
import { shownText, unitOf } from "./units.js";

/** @typedef {import("./api.js").Prediction} Prediction */
/** @typedef {import("./recipe.js").Recipe} Recipe */
/** @typedef {import("./recipe.js").Values} Values */
/** @typedef {{recipe: Recipe, prediction: Prediction}} Pin */

const STORED = "beer-model.pins";
const MOST = 4;

/** @type {Pin[]} */
let pins = read();

function read() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    return Array.isArray(stored) ? stored.filter((pin) => isRecipe(pin?.recipe) && pin.prediction?.interval) : [];
  } catch {
    return [];
  }
}

/** Connects the tab and the button that pins an answer. */
export function connectCompare() {
  byId("pin").addEventListener("click", pin);
  tabs.addEventListener("change", render);
  answers.addEventListener("answer", render);
  answers.addEventListener("none", render);
}

function pin() {
  const { shown } = answers;
  if (!shown || pins.length >= MOST) return;
  change([
    ...pins,
    { recipe: { name: store.recipe.name, beer: structuredClone(shown.beer) }, prediction: shown.prediction },
  ]);
  tabs.open("compare");
}

/** @param {Pin[]} next */
function change(next) {
  pins = next;
  sessionStorage.setItem(STORED, JSON.stringify(pins));
  render();
}

function render() {
  const button = /** @type {HTMLButtonElement} */ (byId("pin"));
  button.disabled = !answers.shown || pins.length >= MOST;
  button.title = pins.length >= MOST ? t("pinFull") : "";
  if (tabs.current !== "compare") return;
  if (!pins.length) {
    refill(byId("compare"), h("p", { class: "empty" }, t("compareEmpty")));
    return;
  }
  const now = answers.shown && {
    recipe: { name: store.recipe.name, beer: answers.shown.beer },
    prediction: answers.shown.prediction,
  };
  const all = now ? [...pins, now] : pins;
  const end = Math.max(
    ...all.map(({ prediction }) => Math.max(prediction.interval.upper, prediction.style?.bitterness?.high ?? 0)),
  );
  refill(
    byId("compare"),
    h("p", { class: "lead" }, t("compareText")),
    h(
      "ol",
      { class: "pins" },
      pins.map((each, index) => card(each, end, index)),
      now && card(now, end),
    ),
  );
}

/**
 * @param {Pin} pinned
 * @param {number} end
 * @param {number} [index] Place among the pins; without it, it is the answer of the form.
 */
function card({ recipe, prediction }, end, index) {
  const band = prediction.style?.bitterness;
  const name = recipe.name || t("untitled");
  const rows = /** @type {[string, string][]} */ ([
    [t("og"), shownText(recipe.beer, "og")],
    ...(prediction.bu_gu === undefined ? [] : [[t("buGu"), number(prediction.bu_gu, 2, 2)]]),
    ...(band ? [[t("insideStyle"), percent(band.probability)]] : []),
    ...(prediction.estimates
      ? [
          [t("tinseth"), number(prediction.estimates.tinseth)],
          [t("physical"), number(prediction.estimates.physical)],
        ]
      : []),
  ]);
  return h(
    "li",
    { class: index === undefined ? "now" : "" },
    h("h2", {}, index === undefined ? t("onTheForm") : name),
    h("p", { class: "pin-ibu" }, number(prediction.ibu, 1, 1), h("small", {}, ` ${t("ibu")}`)),
    h("p", { class: "hint wide" }, words(prediction.interval)),
    strip(prediction, end),
    h(
      "dl",
      {},
      rows.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))),
    ),
    h(
      "ul",
      { class: "pin-hops" },
      (recipe.beer.hops ?? []).map((hop) =>
        h(
          "li",
          {},
          `${shownText(hop, "hop")} ${unitOf("hop").label} ${hop["name"] ?? ""}`,
          h("span", { class: "hint" }, ` ${timeOf(hop)}`),
        ),
      ),
    ),
    index !== undefined &&
      h(
        "p",
        { class: "foot" },
        h(
          "button",
          {
            type: "button",
            class: "plain",
            "aria-label": t("openPin", { name }),
            click: () => {
              store.replace(structuredClone(recipe));
              tabs.open("recipe");
            },
          },
          t("openAgain"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "plain",
            "aria-label": t("unpinName", { name }),
            click: () => change(pins.filter((_, each) => each !== index)),
          },
          t("unpin"),
        ),
      ),
  );
}

/**
 * @param {Prediction} prediction
 * @param {number} end
 */
function strip({ ibu, interval, style }, end) {
  const x = (/** @type {number} */ value) => (value / end) * 100;
  const band = style?.bitterness;
  return s(
    "svg",
    { class: "strip", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    band && s("rect", { class: "band", x: x(band.low), y: 0, width: x(band.high) - x(band.low), height: 10 }),
    s("line", { class: "axis", x1: 0, x2: 100, y1: 5, y2: 5 }),
    s("line", { class: "interval", x1: x(interval.lower), x2: x(interval.upper), y1: 5, y2: 5 }),
    s("line", { class: "point", x1: x(ibu), x2: x(ibu), y1: 1, y2: 9 }),
  );
}
