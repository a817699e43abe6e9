// What leaves the page: a BeerJSON file, a link, a printed sheet. Never the key.

import { answers } from "./answers.js";
import { byId, h, refill } from "./dom.js";
import { notify } from "./files.js";
import { isRecipe, isTold, store } from "./recipe.js";
import { words } from "./answer.js";
import { timeOf } from "./target.js";
import { number, percent, t } from "./text.js";
import { baseValue, shownText, unitOf } from "./units.js";

/** @typedef {import("./recipe.js").Beer} Beer */
/** @typedef {import("./recipe.js").Recipe} Recipe */
/** @typedef {import("./recipe.js").Values} Values */
/** @typedef {import("./text.js").TextKey} TextKey */
/** @typedef {import("./units.js").Quantity} Quantity */

/** What BeerJSON requires of a malt and a recipe, and nobody told: what the server takes for it. */
const YIELD = 78;
const EFFICIENCY = 74;
const MOST_BYTES = 200_000;
const FORMS = /** @type {Record<string, string>} */ ({
  pellet: "pellet",
  cone: "leaf",
  extract: "extract",
  cryo: "powder",
});
const USES = /** @type {Record<string, string>} */ ({ mash: "add_to_mash", dry_hop: "add_to_fermentation" });
/** Steps of a boil that has others than boiling. */
const STEPS = { first_wort: 1, boil: 2, whirlpool: 3 };
/** Minutes that a stage of the boil stands for, as the server counts it. */
const MINUTES = /** @type {Record<string, number>} */ ({ start: 70, middle: 30, end: 5 });

/** Connects the buttons. */
export function connectSaving() {
  byId("export").addEventListener("click", () => {
    const name = store.recipe.name || t("untitled");
    download(
      `${name.replace(/[^\p{L}\p{N} _-]+/gu, "").trim() || "recipe"}.json`,
      JSON.stringify(beerJson(store.recipe), null, 2),
    );
  });
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

/**
 * Returns a recipe as BeerJSON 1.0, with the answer as its estimate of the bitterness.
 *
 * @param {Recipe} recipe
 */
export function beerJson({ name, beer }) {
  const answer = answers.ours?.prediction;
  const assumed = (/** @type {string} */ field) => answer?.assumptions?.find((each) => each.field === field)?.value;
  const litres = baseValue(beer, "batch") ?? assumed("batch_volume_l") ?? 20;
  const hops = (beer.hops ?? []).filter(isTold);
  const hasSteps = hops.some((hop) => hop["stage"] === "first_wort" || hop["stage"] === "whirlpool");
  const malts = (beer.malts ?? []).filter(isTold);
  const [og, fg, boil, colour] = /** @type {Quantity[]} */ (["og", "fg", "boil", "colour"]).map((quantity) =>
    baseValue(beer, quantity),
  );
  const recipe = {
    name: name || t("untitled"),
    type: "all grain",
    author: "",
    batch_size: of("l", litres),
    efficiency: { brewhouse: of("%", EFFICIENCY) },
    ...(typeof beer["style"] === "string" && { notes: `${t("style")}: ${beer["style"]}` }),
    ...(og && { original_gravity: of("sg", og) }),
    ...(fg && { final_gravity: of("sg", fg) }),
    ...(typeof beer["abv"] === "number" && { alcohol_by_volume: of("%", beer["abv"]) }),
    ...(typeof beer["ph"] === "number" && { beer_pH: of("pH", beer["ph"]) }),
    ...(colour !== undefined && { color_estimate: of("EBC", colour) }),
    ...(answer && { ibu_estimate: { method: "Other", value: of("IBUs", answer.ibu) } }),
    ingredients: {
      fermentable_additions: malts.map((malt) => ({
        name: malt["name"],
        type: "grain",
        yield: { fine_grind: of("%", YIELD) },
        color: of("Lovi", 0),
        amount: of("kg", baseValue(malt, "malt") ?? 0),
      })),
      hop_additions: hops.map((hop, index) => ({
        name: hop["name"],
        alpha_acid: of(
          "%",
          typeof hop["alpha_acid"] === "number" ? hop["alpha_acid"] : (assumed(`hops.${index}.alpha_acid`) ?? 10),
        ),
        ...(FORMS[hop["form"]] && { form: FORMS[hop["form"]] }),
        amount: of("g", baseValue(hop, "hop") ?? 0),
        timing: timing(hop, hasSteps),
      })),
      ...(beer["yeast"] && {
        culture_additions: [{ name: beer["yeast"], type: "ale", form: "liquid", amount: of("pkg", 1) }],
      }),
    },
    ...((boil !== undefined || hasSteps) && {
      boil: {
        ...(boil !== undefined && { pre_boil_size: of("l", boil) }),
        boil_time: of("min", longest(hops)),
        ...(hasSteps && { boil_steps: steps(hops) }),
      },
    }),
  };
  return { beerjson: { version: 1, recipes: [recipe] } };
}

/**
 * @param {string} unit
 * @param {number} value
 */
const of = (unit, value) => ({ unit, value: Number(value.toFixed(6)) });

/** @param {Values[]} hops */
const longest = (hops) => Math.max(60, ...hops.map((hop) => Number(hop["boil_minutes"]) || 0));

/** @param {Values[]} hops */
function steps(hops) {
  const stand = hops.find((hop) => hop["stage"] === "whirlpool") ?? {};
  const temperature = baseValue(stand, "temperature");
  return [
    { name: "First wort" },
    { name: "Boil", step_time: of("min", longest(hops)), start_temperature: of("C", 100) },
    {
      name: "Whirlpool",
      ...(typeof stand["stand_minutes"] === "number" && { step_time: of("min", stand["stand_minutes"]) }),
      ...(temperature !== undefined && { start_temperature: of("C", temperature) }),
    },
  ];
}

/**
 * @param {Values} hop
 * @param {boolean} hasSteps
 */
function timing(hop, hasSteps) {
  const stage = String(hop["stage"] ?? "boil");
  const use = USES[stage];
  if (use) return { use };
  const step = stage === "whirlpool" || stage === "first_wort" ? STEPS[stage] : STEPS.boil;
  const minutes = stage === "boil" ? hop["boil_minutes"] : (hop["stand_minutes"] ?? MINUTES[stage]);
  return {
    use: "add_to_boil",
    ...(hasSteps && { step }),
    ...(typeof minutes === "number" && { duration: of("min", minutes) }),
  };
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
