// The recipe on the page: the request itself, with every value in the unit in which it was entered.

/** @typedef {import("./units.js").Values} Values */
/** @typedef {Values & {hops?: Values[], malts?: Values[]}} Beer */
/** @typedef {{name: string, beer: Beer}} Recipe */
/** @typedef {{row: Values | undefined, part: string, text: string}} Note What an import said of a field. */
/** @typedef {"hops" | "malts"} RowKind */

const DRAFT = "beer-model.draft";

/** Emits `edit` while the user types, and `render` when the form must be drawn again. */
class Store extends EventTarget {
  /** @type {Recipe} */
  recipe = { name: "", beer: {} };
  /** @type {Note[]} */
  notes = [];
  #committed = "";

  /** Starts with the recipe of this history entry, the draft of this tab, or none. */
  start() {
    /** @type {unknown} */
    let draft;
    try {
      draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    } catch {
      draft = null;
    }
    const found = [draft, history.state?.recipe].find(isRecipe);
    if (found) this.recipe = found;
    this.#committed = JSON.stringify(this.recipe);
    history.replaceState({ recipe: this.recipe }, "");
    addEventListener("popstate", (event) => {
      if (!isRecipe(event.state?.recipe)) return;
      this.recipe = structuredClone(event.state.recipe);
      this.notes = [];
      this.#committed = JSON.stringify(this.recipe);
      this.#changed("render");
    });
  }

  /** Notes that a value was typed. */
  edited() {
    this.#changed("edit");
  }

  /** Makes what was typed a step of the history. */
  commit() {
    const text = JSON.stringify(this.recipe);
    if (text === this.#committed) return;
    this.#committed = text;
    history.pushState({ recipe: JSON.parse(text) }, "", location.pathname + location.search);
  }

  /**
   * Changes the recipe in one step of the history, and draws the form again.
   *
   * @param {(recipe: Recipe) => void} change
   */
  change(change) {
    this.commit();
    change(this.recipe);
    this.commit();
    this.#changed("render");
  }

  /**
   * Replaces the recipe.
   *
   * @param {Recipe} recipe
   * @param {Note[]} notes
   */
  replace(recipe, notes = []) {
    this.change(() => {
      this.recipe = recipe;
      this.notes = notes;
    });
  }

  /** @param {"edit" | "render"} kind */
  #changed(kind) {
    sessionStorage.setItem(DRAFT, JSON.stringify(this.recipe));
    this.dispatchEvent(new Event(kind));
  }
}

export const store = new Store();

/**
 * Whether a value, from a link or this browser's memory, is a recipe.
 *
 * @param {unknown} value
 * @returns {value is Recipe}
 */
export function isRecipe(value) {
  const recipe = /** @type {any} */ (value);
  const isObject = (/** @type {unknown} */ each) => typeof each === "object" && each !== null && !Array.isArray(each);
  return (
    isObject(recipe) &&
    typeof recipe.name === "string" &&
    isObject(recipe.beer) &&
    [recipe.beer.hops, recipe.beer.malts].every(
      (rows) => rows === undefined || (Array.isArray(rows) && rows.every(isObject)),
    )
  );
}

const AMOUNTS = ["amount_g", "amount_oz", "amount_kg", "amount_lb"];

/**
 * Whether a row of hops or malts can be sent: it has a name and an amount.
 *
 * @param {Values} row
 */
export const isTold = (row) => Boolean(row["name"]) && AMOUNTS.some((field) => row[field] !== undefined);

/**
 * Whether all values of a row are missing.
 *
 * @param {Values} row
 */
export const isBlank = (row) => !row["name"] && !AMOUNTS.some((field) => row[field] !== undefined);

/**
 * Returns the request for a beer: without rows that are still empty.
 *
 * @param {Beer} beer
 * @returns {Beer}
 */
export function requestOf(beer) {
  const { hops, malts, ...figures } = beer;
  /** @type {Beer} */
  const request = figures;
  const told = hops?.filter(isTold);
  if (hops && told && (told.length || !hops.length)) request.hops = told;
  if (malts?.some(isTold)) request.malts = malts.filter(isTold);
  return request;
}

/**
 * Returns the place in the recipe of a row of the request.
 *
 * @param {Beer} beer
 * @param {RowKind} kind
 * @param {number} index Its place in the request.
 * @returns {number} -1 if there is none.
 */
export function placeOf(beer, kind, index) {
  const rows = beer[kind] ?? [];
  const row = rows.filter(isTold)[index];
  return row ? rows.indexOf(row) : -1;
}

/**
 * Whether a beer can be predicted: its gravities are known.
 *
 * @param {Beer} beer
 */
export const isAskable = (beer) =>
  ["og", "fg"].every((name) => beer[`target_${name}`] !== undefined || beer[`target_${name}_plato`] !== undefined);
