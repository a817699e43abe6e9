// The question that the page asks, and the answer to it: the recipe of the form, or what a slider makes of it.

import { ask, Live } from "./api.js";
import { isAskable, requestOf, store } from "./recipe.js";

/** @typedef {import("./api.js").Prediction} Prediction */
/** @typedef {import("./api.js").Failure} Failure */
/** @typedef {import("./recipe.js").Beer} Beer */
/** @typedef {{prediction: Prediction, beer: Beer, isScenario: boolean}} Answer */

const TYPING = 150;
/** While a slider moves, an answer is asked for this often, milliseconds. */
const SLIDING = 30;
const COVERAGES = [0.5, 0.8, 0.9];

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
  #coverages = true;
  /** @type {Live<{beer: Beer, isScenario: boolean}, Prediction>} */
  #live = new Live(
    ({ beer }) => this.#ask(beer),
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

  /**
   * @param {Beer} beer
   * @returns {Promise<Prediction>}
   */
  async #ask(beer) {
    const request = { ...this.request(beer), ...(this.explains && { explain: true }) };
    if (!this.#coverages) return ask("predict", request);
    try {
      return await ask("predict", { ...request, coverage: COVERAGES });
    } catch (error) {
      const failure = /** @type {Failure} */ (error);
      if (failure.kind !== "input" || !failure.problems.every(({ field }) => field.startsWith("coverage"))) throw error;
      this.#coverages = false; // an older model, which has the one interval alone
      return ask("predict", request);
    }
  }
}

export const answers = new Answers();
