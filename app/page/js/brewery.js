// My brewery: own beers with their stated or measured bitterness, kept in this browser, which move the answers.

import { answers } from "./answers.js";
import { byId, h, icon, refill, say } from "./dom.js";
import { download } from "./save.js";
import { isAskable, isRecipe, requestOf, store } from "./recipe.js";
import { tabs } from "./tabs.js";
import { number, t } from "./text.js";
import { valueOf } from "./units.js";

/** @typedef {import("./recipe.js").Beer} Beer */
/** @typedef {{name: string, beer: Beer, ibu: number}} OwnBeer */

const STORED = "beer-model.brewery";
const MOST = 50;
const MOST_IBU = 300;

const brewery = read(localStorage.getItem(STORED) ?? "{}");

/**
 * @param {string} text
 * @returns {{used: boolean, beers: OwnBeer[]}}
 */
function read(text) {
  try {
    const { used = true, beers = [] } = JSON.parse(text);
    return {
      used: Boolean(used),
      beers: beers
        .filter((/** @type {any} */ own) => isRecipe(own) && typeof (/** @type {any} */ (own).ibu) === "number")
        .slice(0, MOST),
    };
  } catch {
    return { used: true, beers: [] };
  }
}

/** Connects the tab, and lets the own beers move the answers. */
export function connectBrewery() {
  answers.extra = () =>
    brewery.used && brewery.beers.length ? { reference: brewery.beers.map(({ beer, ibu }) => ({ ...beer, ibu })) } : {};
  tabs.addEventListener("change", draw);
  answers.addEventListener("answer", () => tabs.current === "brewery" && drawShift());
  store.addEventListener("render", draw);
}

function draw() {
  if (tabs.current === "brewery") render();
}

function changed() {
  localStorage.setItem(STORED, JSON.stringify(brewery));
  render();
  answers.ask();
}

function drawShift() {
  const shift = answers.ours?.prediction.reference;
  const place = document.getElementById("shift");
  if (place)
    say(
      place,
      shift
        ? t(shift.beers === 1 ? "referenceOne" : "reference", {
            ibu: number(shift.ibu, 1, 1, true),
            beers: shift.beers,
          })
        : "",
    );
}

function render() {
  const input = h("input", {
    type: "text",
    class: "aim",
    inputmode: "decimal",
    autocomplete: "off",
    id: "own-ibu",
    "aria-describedby": "own-problem",
    "data-focus": "brewery.ibu",
  });
  const problem = h("p", { class: "problem", id: "own-problem", role: "alert" });
  const canAdd = isAskable(store.recipe.beer) && brewery.beers.length < MOST;
  const used = h("input", {
    type: "checkbox",
    checked: brewery.used,
    change: () => {
      brewery.used = used.checked;
      changed();
    },
  });
  const file = h("input", {
    type: "file",
    class: "hidden",
    accept: ".json",
    tabindex: -1,
    "aria-hidden": "true",
    change: () => void load(file, problem),
  });
  refill(
    byId("brewery"),
    h("p", { class: "lead" }, t("breweryText")),
    brewery.beers.length
      ? [
          h(
            "ol",
            { class: "own" },
            brewery.beers.map((own, index) =>
              h(
                "li",
                {},
                h("span", {}, own.name || t("untitled")),
                h("b", {}, `${number(own.ibu, 1)} ${t("ibu")}`),
                h(
                  "button",
                  {
                    type: "button",
                    class: "quiet",
                    "aria-label": t("remove", { name: own.name || t("untitled") }),
                    click: () => {
                      brewery.beers.splice(index, 1);
                      changed();
                    },
                  },
                  icon("remove"),
                ),
              ),
            ),
          ),
          h(
            "div",
            { class: "foot" },
            h("label", { class: "check" }, used, t("breweryUse")),
            h("p", { id: "shift", class: "hint" }),
          ),
        ]
      : h("p", { class: "empty" }, t("breweryEmpty")),
    h(
      "form",
      {
        class: "foot own-form",
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          add(input.value, problem);
        },
      },
      h("label", { for: "own-ibu" }, t("ownIbu", { name: store.recipe.name || t("untitled") })),
      input,
      h("button", { type: "submit", class: "main", disabled: !canAdd }, t("ownAdd")),
    ),
    problem,
    h(
      "div",
      { class: "foot spaced" },
      h(
        "button",
        {
          type: "button",
          class: "plain",
          disabled: !brewery.beers.length,
          click: () => download("my-brewery.json", JSON.stringify({ beers: brewery.beers }, null, 2)),
        },
        t("ownExport"),
      ),
      h("button", { type: "button", class: "plain", click: () => file.click() }, t("ownImport")),
      file,
    ),
  );
  drawShift();
}

/**
 * @param {string} text
 * @param {HTMLElement} problem
 */
function add(text, problem) {
  const ibu = valueOf(text);
  if (typeof ibu !== "number" || ibu < 0 || ibu > MOST_IBU) {
    say(problem, t("ownProblem", { most: MOST_IBU }));
    return;
  }
  const beer = structuredClone(requestOf(store.recipe.beer));
  delete beer["style"];
  brewery.beers.push({ name: store.recipe.name, beer, ibu });
  changed();
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} problem
 */
async function load(input, problem) {
  const found = read((await input.files?.[0]?.text()) ?? "").beers;
  if (!found.length) {
    say(problem, t("ownNone"));
    return;
  }
  const known = new Set(brewery.beers.map((own) => JSON.stringify(own)));
  brewery.beers.push(...found.filter((own) => !known.has(JSON.stringify(own))).slice(0, MOST - brewery.beers.length));
  changed();
}
