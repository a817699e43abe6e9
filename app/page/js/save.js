// What leaves the page: a BeerJSON file, a link, a printed sheet. Never the key.

import { answers } from "./answers.js";
import { call, Failure } from "./api.js";
import { byId, h, refill } from "./dom.js";
import { notify } from "./files.js";
import { isAskable, isRecipe, isTold, store } from "./recipe.js";
import { words } from "./answer.js";
import { timeOf } from "./target.js";
import { number, percent, t } from "./text.js";
import { shownText, unitOf } from "./units.js";

/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {import("./recipe.js").Recipe} Recipe */
/** @typedef {import("./recipe.js").Values} Values */
/** @typedef {import("./text.js").TextKey} TextKey */
/** @typedef {import("./units.js").Quantity} Quantity */

const MOST_BYTES = 200_000;

/** Connects the buttons. */
export function connectSaving() {
  byId("export").addEventListener("click", () => void save());
  byId("share").addEventListener("click", () => void share());
  byId("print").addEventListener("click", () => print());
  addEventListener("beforeprint", drawSheet);
}

/**
 * Lets the browser save a file.
 *
 * @param {string} name
 * @param {string} text
 */
export function download(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Saves the recipe as BeerJSON, which the server writes with its answer, and says what the file has instead. */
async function save() {
  const { name, beer } = store.recipe;
  if (!isAskable(beer)) {
    notify(t("emptyText"), true);
    return;
  }
  const title = name || t("untitled");
  const request = answers.request(beer);
  const hops = (beer.hops ?? []).filter(isTold);
  try {
    /** @type {Schemas["BeerJsonRecipe"]} */
    const written = await call("recipes/beerjson", { name: title, beer: request });
    download(
      `${title.replace(/[^\p{L}\p{N} _-]+/gu, "").trim() || "recipe"}.json`,
      JSON.stringify(written.document, null, 2),
    );
    const said = written.notes.map(({ field, message }) => {
      const hop = hops[Number(/^hops\.(\d+)/.exec(field)?.[1])];
      return hop ? `${hop["name"]}: ${message}` : message;
    });
    const notes = [...new Set(said)];
    notify(t("saved", { name: title }), false, undefined, {
      summary: t("savedNotes", { count: notes.length }),
      notes,
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [problem] = error.problems;
    notify(t("saveFailed", { reason: problem ? `${problem.field}: ${problem.reason}` : error.message }), true);
  }
}

/** Copies a link that holds the recipe, compressed, in its fragment, which no server sees. */
async function share() {
  const bytes = await squeezed(
    new TextEncoder().encode(JSON.stringify(store.recipe)),
    new CompressionStream("deflate-raw"),
  );
  const text = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
  const link = `${location.origin}${location.pathname}#r=${text}`;
  try {
    await navigator.clipboard.writeText(link);
    notify(t("shared"));
  } catch {
    history.replaceState(history.state, "", link);
    notify(t("shareFailed"));
  }
}

/**
 * Returns the recipe of a link.
 *
 * @param {string | null} text
 * @returns {Promise<Recipe | undefined>}
 */
export async function sharedRecipe(text) {
  if (!text) return undefined;
  try {
    const packed = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    const recipe = JSON.parse(new TextDecoder().decode(await squeezed(packed, new DecompressionStream("deflate-raw"))));
    return isRecipe(recipe) ? { name: recipe.name, beer: recipe.beer } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {CompressionStream | DecompressionStream} stream
 */
async function squeezed(bytes, stream) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  /** @type {number[]} */
  const all = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (all.length + part.value.length > MOST_BYTES) throw new RangeError("too large");
    for (const byte of part.value) all.push(byte);
  }
  return Uint8Array.from(all);
}

/** Fills the sheet that is printed. */
function drawSheet() {
  const { name, beer } = store.recipe;
  const shown = answers.ours?.prediction;
  const band = shown?.style?.bitterness;
  const figures = /** @type {[TextKey, string, string][]} */ ([
    .../** @type {const} */ (["og", "fg", "colour", "batch", "boil"]).map((quantity) => [
      quantity,
      shownText(beer, quantity),
      unitOf(quantity).label,
    ]),
    ["abv", typeof beer["abv"] === "number" ? number(beer["abv"], 2) : "", "% vol"],
    ["ph", typeof beer["ph"] === "number" ? number(beer["ph"], 2) : "", ""],
  ]);
  const plot = document.querySelector("#plot svg")?.cloneNode(true);
  refill(
    byId("sheet"),
    h("h1", {}, name || t("untitled")),
    beer["style"] && h("p", {}, String(beer["style"])),
    h(
      "dl",
      { class: "sheet-figures" },
      figures
        .filter(([, value]) => value)
        .map(([label, value, unit]) => h("div", {}, h("dt", {}, t(label)), h("dd", {}, `${value} ${unit}`))),
    ),
    table(
      [t("hops"), t("amount"), t("alpha"), t("when")],
      (beer.hops ?? [])
        .filter(isTold)
        .map((hop, index) => [
          hop["name"],
          `${shownText(hop, "hop")} ${unitOf("hop").label}`,
          alphaOf(hop, index),
          timeOf(hop),
        ]),
    ),
    table(
      [t("malts"), t("amount")],
      (beer.malts ?? [])
        .filter(isTold)
        .map((malt) => [malt["name"], `${shownText(malt, "malt")} ${unitOf("malt").label}`]),
    ),
    beer["yeast"] && h("p", {}, h("b", {}, t("yeast")), ` ${beer["yeast"]}`),
    shown && [
      h("p", { class: "sheet-ibu" }, h("b", {}, `${number(shown.ibu, 1, 1)} ${t("ibu")}`), ` ${words(shown.interval)}`),
      band &&
        h(
          "p",
          {},
          `${t("styleChance", { name: shown.style?.name ?? "", low: number(band.low), high: number(band.high) })}: ${percent(band.probability)}`,
        ),
      plot,
      h(
        "ul",
        { lang: "en" },
        shown.warnings.map(({ message }) => h("li", {}, message)),
      ),
      h("p", { class: "model" }, t("answeredBy", { name: shown.model.name, version: shown.model.version })),
    ],
  );
}

/**
 * Writes the alpha acid of an addition; in brackets if the server assumed it.
 *
 * @param {Values} hop
 * @param {number} index Its place in the request.
 */
function alphaOf(hop, index) {
  const told = hop["alpha_acid"];
  if (typeof told === "number") return `${number(told, 1)} %`;
  const assumed = answers.ours?.prediction.assumptions?.find(({ field }) => field === `hops.${index}.alpha_acid`);
  return assumed ? `(${number(assumed.value, 1)} %)` : "";
}

/**
 * @param {string[]} head
 * @param {unknown[][]} rows
 */
function table(head, rows) {
  if (!rows.length) return null;
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head.map((each) => h("th", { scope: "col" }, each)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          row.map((each) => h("td", {}, String(each))),
        ),
      ),
    ),
  );
}
