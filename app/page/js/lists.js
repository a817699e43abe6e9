// The hop varieties and styles that the server knows.

import { call } from "./api.js";
import { fold } from "./combobox.js";
import { number, t } from "./text.js";

/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {import("./combobox.js").Option} Option */

/** @type {{varieties: Schemas["HopVariety"][], styles: Schemas["BeerStyle"][]}} */
const known = { varieties: [], styles: [] };

/** Loads both lists. */
export async function loadLists() {
  const [varieties, styles] = await Promise.all([
    /** @type {Promise<Schemas["Varieties"]>} */ (call("varieties")),
    /** @type {Promise<Schemas["Styles"]>} */ (call("styles")),
  ]);
  known.varieties = varieties.varieties;
  known.styles = styles.styles;
}

/**
 * Writes the range of a variety's alpha acid.
 *
 * @param {Schemas["HopVariety"]} variety
 */
const rangeOf = (variety) => t("range", { low: number(variety.alpha_low, 1), high: number(variety.alpha_high, 1) });

/** @returns {Option[]} */
export const varietyOptions = () =>
  known.varieties.map((variety) => ({
    value: variety.name,
    hint: rangeOf(variety),
    words: [variety.name, ...variety.other_names].map(fold),
  }));

/** @returns {Option[]} */
export const styleOptions = () =>
  known.styles.map((style) => ({
    value: style.name,
    hint: style.ibu ? `${style.code} · ${number(style.ibu.low)}–${number(style.ibu.high)}` : style.code,
    words: [style.name, style.code, ...style.other_names].map(fold),
  }));

/**
 * Returns the variety with a name, if the list has it.
 *
 * @param {string} name
 */
export function varietyNamed(name) {
  const folded = fold(name);
  return known.varieties.find((variety) =>
    [variety.name, ...variety.other_names].some((each) => fold(each) === folded),
  );
}

/**
 * Returns what to show in an empty field of alpha acid: the variety's range.
 *
 * @param {string} name
 */
export function alphaHint(name) {
  const variety = varietyNamed(name);
  return variety ? `${number(variety.alpha_low, 1)}–${number(variety.alpha_high, 1)}` : "";
}
