// Units for display. A value stays in the field of the unit in which it was entered, and is sent like this: the server converts.
// Here a value is converted only to be shown in another unit, so switching back and forth loses nothing.

import { number } from "./text.js";

/** @typedef {Record<string, any>} Values Fields of a request, such as a beer or a hop. */
/** @typedef {"metric" | "us"} System */
/** @typedef {"sg" | "points" | "plato"} GravityScale */
/** @typedef {{label: string, field: string, digits: number, toBase?: (x: number) => number, fromBase?: (x: number) => number}} Unit */

const LITRES_PER_GALLON = 3.785411784;
export const GRAMS_PER_OUNCE = 28.349523125;
const KILOGRAMS_PER_POUND = 0.45359237;
const EBC_PER_SRM = 1.97;

/**
 * @param {string} label
 * @param {string} field
 * @param {number} digits
 * @param {number} [factor]
 * @returns {Unit}
 */
const by = (label, field, digits, factor = 1) => ({
  label,
  field,
  digits,
  toBase: (x) => x * factor,
  fromBase: (x) => x / factor,
});

/**
 * @param {string} field
 * @returns {Unit}
 */
const fahrenheit = (field) => ({
  label: "°F",
  field,
  digits: 0,
  toBase: (x) => (x - 32) / 1.8,
  fromBase: (x) => x * 1.8 + 32,
});

/**
 * Degrees Plato of a specific gravity, by the cubic fit of docs/beer.md.
 *
 * @param {number} sg
 */
const plato = (sg) => -616.868 + sg * (1111.14 + sg * (-630.272 + sg * 135.997));

/** @param {number} degrees */
function sgOfPlato(degrees) {
  let sg = 1 + degrees / 250;
  for (let step = 0; step < 6; step += 1) sg -= (plato(sg) - degrees) / (1111.14 + sg * (-1260.544 + sg * 407.991));
  return sg;
}

/**
 * @param {string} field
 * @returns {Record<GravityScale, Unit>}
 */
const gravity = (field) => ({
  sg: { label: "SG", field, digits: 3, toBase: (x) => (x < 100 ? x : x / 1000), fromBase: (x) => x },
  points: { label: "", field, digits: 0, toBase: (x) => (x < 100 ? x : x / 1000), fromBase: (x) => x * 1000 },
  plato: { label: "°P", field: `${field}_plato`, digits: 1, toBase: sgOfPlato, fromBase: plato },
});

/** The quantities that have several units: the unit of each system, or of each scale of gravity. */
const QUANTITIES = {
  og: gravity("target_og"),
  fg: gravity("target_fg"),
  batch: { metric: by("l", "batch_volume_l", 1), us: by("gal", "batch_volume_gal", 2, LITRES_PER_GALLON) },
  boil: { metric: by("l", "boil_volume_l", 1), us: by("gal", "boil_volume_gal", 2, LITRES_PER_GALLON) },
  colour: { metric: by("EBC", "ebc", 0), us: by("SRM", "srm", 1, EBC_PER_SRM) },
  hop: { metric: by("g", "amount_g", 1), us: by("oz", "amount_oz", 2, GRAMS_PER_OUNCE) },
  malt: { metric: by("kg", "amount_kg", 2), us: by("lb", "amount_lb", 2, KILOGRAMS_PER_POUND) },
  temperature: { metric: by("°C", "temperature_c", 0), us: fahrenheit("temperature_f") },
  storage: { metric: by("°C", "storage_temperature_c", 0), us: fahrenheit("storage_temperature_f") },
};

/** @typedef {keyof typeof QUANTITIES} Quantity */

/** What the reader chose; kept in this browser. */
export const choice = {
  system: /** @type {System} */ (localStorage.getItem("beer-model.units") === "us" ? "us" : "metric"),
  gravity: /** @type {GravityScale} */ (
    ["points", "plato"].includes(localStorage.getItem("beer-model.gravity") ?? "")
      ? localStorage.getItem("beer-model.gravity")
      : "sg"
  ),
};

/**
 * Changes the units.
 *
 * @param {System} system
 * @param {GravityScale} scale
 */
export function chooseUnits(system, scale) {
  Object.assign(choice, { system, gravity: scale });
  localStorage.setItem("beer-model.units", system);
  localStorage.setItem("beer-model.gravity", scale);
}

/**
 * Returns the unit in which a quantity is shown.
 *
 * @param {Quantity} quantity
 * @returns {Unit}
 */
export function unitOf(quantity) {
  const units = /** @type {Record<string, Unit>} */ (QUANTITIES[quantity]);
  return /** @type {Unit} */ (units[choice.gravity] ?? units[choice.system]);
}

/**
 * Returns the unit in which a quantity was entered.
 *
 * @param {Values} values
 * @param {Quantity} quantity
 * @returns {Unit | undefined}
 */
function toldIn(values, quantity) {
  const shown = unitOf(quantity);
  return [shown, ...Object.values(QUANTITIES[quantity])].find((unit) => values[unit.field] !== undefined);
}

/**
 * Returns a quantity in the unit in which it is shown; undefined if it is missing, or not a number.
 *
 * @param {Values} values
 * @param {Quantity} quantity
 * @returns {number | undefined}
 */
export function shownValue(values, quantity) {
  const told = toldIn(values, quantity);
  const value = told && values[told.field];
  if (!told || typeof value !== "number") return undefined;
  const shown = unitOf(quantity);
  if (told === shown && shown.field !== "target_og" && shown.field !== "target_fg") return value;
  return /** @type {any} */ (shown).fromBase(/** @type {any} */ (told).toBase(value));
}

/**
 * Returns a quantity in its base unit (g, kg, l, degrees Celsius, EBC, specific gravity); undefined if it is missing.
 *
 * @param {Values} values
 * @param {Quantity} quantity
 * @returns {number | undefined}
 */
export function baseValue(values, quantity) {
  const told = toldIn(values, quantity);
  const value = told && values[told.field];
  return told && typeof value === "number" ? /** @type {any} */ (told).toBase(value) : undefined;
}

/**
 * Returns a quantity as text for its input.
 *
 * @param {Values} values
 * @param {Quantity} quantity
 */
export function shownText(values, quantity) {
  const told = toldIn(values, quantity);
  if (!told) return "";
  const value = shownValue(values, quantity);
  if (value === undefined) return String(values[told.field] ?? "");
  const shown = unitOf(quantity);
  return number(value, told === shown ? shown.digits + 1 : shown.digits, shown.label === "SG" ? 3 : 0);
}

/**
 * Sets a quantity in the unit in which it is shown, or removes it.
 *
 * @param {Values} values
 * @param {Quantity} quantity
 * @param {string} text
 */
export function tell(values, quantity, text) {
  for (const unit of Object.values(QUANTITIES[quantity])) delete values[unit.field];
  const value = valueOf(text);
  if (value !== undefined) values[unitOf(quantity).field] = value;
}

/**
 * Sets a quantity, given in its base unit, in the unit in which it is shown.
 *
 * @param {Values} values
 * @param {Quantity} quantity
 * @param {number} base
 */
export function setBase(values, quantity, base) {
  for (const unit of Object.values(QUANTITIES[quantity])) delete values[unit.field];
  const unit = unitOf(quantity);
  values[unit.field] = Number(/** @type {any} */ (unit).fromBase(base).toFixed(6));
}

/**
 * Writes an amount that the server assumes or answers, given in the base unit.
 *
 * @param {number} base
 * @param {Quantity} quantity
 */
export function inShownUnit(base, quantity) {
  const unit = unitOf(quantity);
  return number(/** @type {any} */ (unit).fromBase(base), unit.digits);
}

/**
 * Reads what was typed: a number with a point or a comma; undefined for nothing; otherwise the text itself, which the
 * server rejects with its reason.
 *
 * @param {string} text
 * @returns {number | string | undefined}
 */
export function valueOf(text) {
  const trimmed = text.trim().replace("−", "-");
  if (!trimmed) return undefined;
  return /^-?(\d+([.,]\d*)?|[.,]\d+)$/.test(trimmed) ? Number(trimmed.replace(",", ".")) : trimmed;
}
