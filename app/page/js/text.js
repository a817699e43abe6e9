// Texts in the reader's language, and numbers as it writes them.

/** @typedef {keyof typeof import("../texts/en.js").texts} TextKey */

/** The languages there are, by their code. */
export const LANGUAGES = { en: "English", de: "Deutsch", pt: "Português" };

const STORED = "beer-model.language";

/** @type {Record<string, string>} */
let texts = {};
let language = "en";

/** Returns the code of the language. */
export const currentLanguage = () => language;

/** Loads the texts of the language that was chosen, or that the browser prefers. */
export async function loadTexts() {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => (tag ?? "").slice(0, 2));
  language = wanted.find((tag) => tag in LANGUAGES) ?? "en";
  texts = (await import(`../texts/${language}.js`)).texts;
  document.documentElement.lang = language;
}

/**
 * Keeps the choice of a language.
 *
 * @param {string} code
 */
export function chooseLanguage(code) {
  localStorage.setItem(STORED, code);
}

/**
 * Returns a text.
 *
 * @param {TextKey} key
 * @param {Record<string, string | number>} [values] What stands in place of `{name}`.
 */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * Returns a text whose key is computed, or another one where there is none.
 *
 * @param {string} key
 * @param {string} otherwise
 */
export function maybe(key, otherwise) {
  return texts[key] ?? otherwise;
}

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/**
 * Writes a number.
 *
 * @param {number} value
 * @param {number} most Decimals at most.
 * @param {number} least Decimals at least.
 * @param {boolean} [sign] Whether to write a plus as well.
 */
export function number(value, most = 0, least = 0, sign = false) {
  const name = `${language}${most}${least}${sign}`;
  const format =
    formats.get(name) ??
    new Intl.NumberFormat(language, {
      maximumFractionDigits: most,
      minimumFractionDigits: least,
      useGrouping: false,
      signDisplay: sign ? "exceptZero" : "negative",
    });
  formats.set(name, format);
  return format.format(value).replace("-", "−");
}

/**
 * Writes a share as percent.
 *
 * @param {number} share
 */
export const percent = (share) => `${number(share * 100)} %`;

/**
 * Translates the elements of the document that name a text: `data-t` their text, `data-t-label` their label,
 * `data-t-title` their title.
 */
export function translateDocument() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-t]"))) {
    element.textContent = element.dataset["text"] = t(/** @type {TextKey} */ (element.dataset["t"]));
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-t-title]"))) {
    element.title = t(/** @type {TextKey} */ (element.dataset["tTitle"]));
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-t-label]"))) {
    element.setAttribute("aria-label", t(/** @type {TextKey} */ (element.dataset["tLabel"])));
  }
}
