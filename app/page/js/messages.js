// Where on the form a message belongs: the server names fields of the request, and elements of a recipe file.

import { placeOf } from "./recipe.js";

/** @typedef {import("./recipe.js").Beer} Beer */
/** @typedef {import("./recipe.js").Values} Values */
/** @typedef {import("./recipe.js").RowKind} RowKind */
/** @typedef {{key: string, kind: "error" | "warning" | "note" | "hint", text: string}} Message */

/** @type {Record<string, string>} */
const PARTS = {
  target_og: "og",
  target_fg: "fg",
  ebc: "colour",
  srm: "colour",
  batch_volume: "batch",
  boil_volume: "boil",
  alpha_acid: "alpha",
  alpha_acid_low: "alpha_low",
  alpha_acid_high: "alpha_high",
  boil_minutes: "minutes",
  stand_minutes: "minutes",
  stage: "when",
  age_months: "age",
  storage_temperature: "storage",
  alpha_loss: "loss",
};

/**
 * Returns the part of the form that shows a field of the request.
 *
 * @param {string} field
 */
function partOf(field) {
  const plain = field.replace(/_(g|oz|kg|lb|l|gal|plato|c|f)$/, "");
  return PARTS[field] ?? PARTS[plain] ?? plain;
}

/**
 * Returns the place on the form of a field that the server names, such as `hops.2.amount_g`.
 *
 * @param {Beer} beer The recipe on the page, whose rows may be more than those sent.
 * @param {string} [field] Without it, the message is about the recipe as a whole.
 */
export function keyOf(beer, field = "general") {
  const [first = "", index, ...rest] = field.split(".");
  if ((first === "hops" || first === "malts") && index !== undefined) {
    return [first, placeOf(beer, first, Number(index)), ...rest.slice(0, 1).map(partOf)].join(".");
  }
  return partOf(first);
}

/** Elements of the formats, and the part of the form that each is about; the first that fits counts. */
const ELEMENTS = /** @type {[RegExp, string][]} */ ([
  [/alpha/i, "alpha"],
  [/amount/i, "amount"],
  [/\/(name)$/i, "name"],
  [/\/(time|use|timing|add|step|attribute)\b/i, "when"],
  [/\/form$/i, "form"],
]);
const FIGURES = /** @type {[RegExp, string][]} */ ([
  [/(^|\/)(og|original_gravity|target_og)\b/i, "og"],
  [/(^|\/)(fg|final_gravity|target_fg)\b/i, "fg"],
  [/(colou?r|ebc|srm)/i, "colour"],
  [/(batch_size|\/volume)/i, "batch"],
  [/boil/i, "boil"],
  [/(yeast|culture)/i, "yeast"],
  [/style/i, "style"],
  [/ph$/i, "ph"],
  [/abv|alcohol/i, "abv"],
]);
const ROWS = /** @type {[RegExp, RowKind, number][]} */ ([
  [/\/HOP\[(\d+)\]/i, "hops", 1],
  [/\/(?:hop_additions|hops)\/(\d+)/i, "hops", 0],
  [/\/FERMENTABLE\[(\d+)\]/i, "malts", 1],
  [/\/(?:fermentable_additions|malts?)\/(\d+)/i, "malts", 0],
]);

/**
 * Returns what of a recipe a note of an import is about.
 *
 * @param {Beer} beer The beer that was made of the recipe.
 * @param {string} path The element of the file.
 * @returns {{row: Values | undefined, part: string}}
 */
export function placeOfNote(beer, path) {
  for (const [pattern, kind, first] of ROWS) {
    const found = pattern.exec(path);
    const row = found && beer[kind]?.[Number(found[1]) - first];
    if (row)
      return {
        row,
        part: ELEMENTS.find(([element]) => element.test(path.slice(found.index + found[0].length)))?.[1] ?? "",
      };
  }
  return { row: undefined, part: FIGURES.find(([element]) => element.test(path))?.[1] ?? "general" };
}
