// The answer: the figure, its interval in words and as dots, the style, and what answered.

import { byId, h, refill, say } from "./dom.js";
import { Plot } from "./plot.js";
import { number, percent, t } from "./text.js";

/** @typedef {import("./api.js").Prediction} Prediction */

const SPEAK_AFTER = 900;

/**
 * Says an interval in words that a person reads right.
 *
 * @param {{lower: number, upper: number, coverage: number}} interval
 */
export function words({ lower, upper, coverage }) {
  const ends = { lower: number(lower), upper: number(upper) };
  const of = [10, 20].find((each) => Math.abs(coverage * each - Math.round(coverage * each)) < 1e-6);
  return of
    ? t("words", { n: Math.round(coverage * of), of, ...ends })
    : t("wordsPercent", { percent: percent(coverage), ...ends });
}

/**
 * Writes a bitterness, its decimal smaller than the rest.
 *
 * @param {number} ibu
 */
export function figure(ibu) {
  const [whole, decimal] = number(ibu, 1, 1).split(/(?=[.,])/);
  return [h("span", {}, whole), h("small", {}, decimal)];
}

export class AnswerView {
  #plot = new Plot(byId("plot"));
  /** @type {number | undefined} */
  #speaking;

  /**
   * Shows an answer.
   *
   * @param {Prediction} prediction
   * @param {Prediction} [ghost] The answer before.
   */
  show(prediction, ghost) {
    byId("answer").classList.remove("stale", "empty");
    refill(byId("ibu"), figure(prediction.ibu));
    say(byId("words"), words(prediction.interval));
    say(byId("bar-ibu"), number(prediction.ibu));
    say(byId("bar-words"), words(prediction.interval));
    this.#plot.draw(prediction, ghost);
    refill(byId("facts"), facts(prediction));
    say(byId("model"), t("answeredBy", { name: prediction.model.name, version: prediction.model.version }));
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => {
      say(byId("spoken"), t("spoken", { ibu: number(prediction.ibu, 1), words: words(prediction.interval) }));
    }, SPEAK_AFTER);
  }

  /** Shows that there is nothing to answer yet. */
  empty() {
    clearTimeout(this.#speaking);
    byId("answer").classList.add("empty");
    refill(byId("ibu"), "–");
    say(byId("words"), t("emptyText"));
    say(byId("bar-ibu"), "–");
    say(byId("bar-words"), t("emptyText"));
    refill(byId("facts"), h("p", { class: "hint wide" }, t("openHint")));
    say(byId("model"), "");
    this.#plot.draw(undefined);
  }

  /** Shows that the last answer is none to what is on the form. */
  stale() {
    byId("answer").classList.add("stale");
    say(byId("words"), t("checkFields"));
    say(byId("bar-words"), t("checkFields"));
    say(byId("spoken"), t("checkFields"));
  }
}

/** @param {Prediction} prediction */
function facts({ bu_gu, style, reference }) {
  const band = style?.bitterness;
  return [
    style &&
      (band
        ? [
            fact(
              t("styleChance", { name: style.name, low: number(band.low), high: number(band.high) }),
              percent(band.probability),
            ),
            h("p", { class: "aside" }, t("styleAim")),
          ]
        : h("p", { class: "fact" }, t("styleWithout", { name: style.name }))),
    bu_gu !== undefined && fact(t("buGu"), number(bu_gu, 2, 2)),
    reference &&
      h(
        "p",
        { class: "fact" },
        t(reference.beers === 1 ? "referenceOne" : "reference", {
          ibu: number(reference.ibu, 1, 1, true),
          beers: reference.beers,
        }),
      ),
  ];
}

/**
 * @param {string} name
 * @param {string} value
 */
const fact = (name, value) => h("p", { class: "fact" }, h("span", {}, name), h("b", {}, value));
