// The question that the page asks, and the answer to it: the recipe of the form, or what a slider makes of it.

import { ask, Live } from "./api.js";
import { DOTS } from "./plot.js";
import { isAskable, requestOf, store } from "./recipe.js";

/** @typedef {import("./api.js").Prediction} Prediction */
/** @typedef {import("./recipe.js").Beer} Beer */
/** @typedef {{prediction: Prediction, beer: Beer, isScenario: boolean}} Answer */

const TYPING = 150;
/** While a slider moves, an answer is asked for this often, milliseconds. */
const SLIDING = 30;

/** Says `answer`, `fail` and `none`. */
class Answers extends EventTarget {
  /** The last answer to the recipe of the form. @type {Answer | undefined} */
  ours;
  /** The last answer that was shown. @type {Answer | undefined} */
  shown;
  /** What a slider has made of the recipe. @type {Beer | undefined} */
  scenario;
  /** Own beers to send with each question. @type {() => Record<string, unknown>} */
  extra = () => ({});
  /** Whether to ask for reasons as well, which takes the server longer. */
  explains = false;
  /** @type {Live<{beer: Beer, isScenario: boolean}, Prediction>} */
  #live = new Live(
    ({ beer }) => ask("predict", { ...this.request(beer), quantiles: DOTS, ...(this.explains && { explain: true }) }),
    (prediction, { beer, isScenario }) => {
      if (isScenario !== Boolean(this.scenario)) return;
      this.shown = { prediction, beer, isScenario };
      if (!isScenario) this.ours = this.shown;
      this.dispatchEvent(new Event("answer"));
    },
    (failure) => this.dispatchEvent(new CustomEvent("fail", { detail: failure })),
  );

  /** @param {boolean} [typing] Whether the user may still be typing. */
  ask(typing = false) {
    const beer = this.scenario ?? store.recipe.beer;
    if (isAskable(beer)) {
      this.#live.later(
        { beer: structuredClone(beer), isScenario: Boolean(this.scenario) },
        typing ? TYPING : this.scenario ? SLIDING : 0,
      );
      return;
    }
    this.#live.drop();
    this.ours = this.shown = undefined;
    this.dispatchEvent(new Event("none"));
  }

  /**
   * Asks about what a slider has made of the recipe, or about the recipe again.
   *
   * @param {Beer | undefined} scenario
   */
  suppose(scenario) {
    if (!scenario && !this.scenario) return;
    this.scenario = scenario;
    this.dispatchEvent(new Event("scenario"));
    this.ask();
  }

  /**
   * Returns the request for a beer.
   *
   * @param {Beer} beer
   */
  request(beer) {
    return { ...requestOf(beer), ...this.extra() };
  }
}

export const answers = new Answers();
