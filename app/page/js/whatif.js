// What if: sliders that change a copy of the recipe; the answer moves, and a ghost shows where it was.

import { answers } from "./answers.js";
import { byId, h, refill, say } from "./dom.js";
import { notify } from "./files.js";
import { isTold, store } from "./recipe.js";
import { tabs } from "./tabs.js";
import { timeOf } from "./target.js";
import { number, t } from "./text.js";
import { baseValue, choice, setBase, shownValue, unitOf } from "./units.js";

/** @typedef {import("./recipe.js").Beer} Beer */
/** @typedef {import("./recipe.js").Values} Values */
/** @typedef {import("./units.js").Quantity} Quantity */
/** @typedef {{label: string, min: number, max: number, step: number, value: number, digits: number, unit: string, change: (beer: Beer, value: number) => void}} Slider */

/** Connects the tab. */
export function connectWhatIf() {
  tabs.addEventListener("change", () => {
    if (tabs.current === "whatif") render();
    else answers.suppose(undefined);
  });
  store.addEventListener("render", () => {
    answers.suppose(undefined);
    if (tabs.current === "whatif") render();
  });
  store.addEventListener("edit", () => answers.suppose(undefined));
}

function render() {
  const { beer } = store.recipe;
  const place = byId("whatif");
  if (!answers.ours) {
    refill(place, h("p", { class: "empty" }, t("whatifEmpty")));
    return;
  }
  const hops = (beer.hops ?? []).flatMap((hop, index) => (isTold(hop) ? [{ hop, index }] : []));
  const reset = h(
    "button",
    {
      type: "button",
      class: "plain",
      disabled: true,
      click: () => {
        answers.suppose(undefined);
        render();
        place.querySelector("input")?.focus({ preventScroll: true });
      },
    },
    t("reset"),
  );
  const keep = h("button", { type: "button", class: "main", disabled: true, click: keepScenario }, t("keep"));
  const moved = () => {
    reset.disabled = keep.disabled = false;
  };
  refill(
    place,
    h("p", { class: "lead" }, t("whatifText")),
    h("div", { class: "foot" }, keep, reset),
    hops.map(({ hop, index }) =>
      h(
        "fieldset",
        { class: "sliders" },
        h("legend", {}, `${hop["name"]}, ${timeOf(hop)}`),
        slidersOf(hop, index).map((each) => draw(each, moved)),
      ),
    ),
    h(
      "fieldset",
      { class: "sliders" },
      h("legend", {}, t("figures")),
      gravitySlider(beer).map((each) => draw(each, moved)),
    ),
  );
}

/**
 * @param {Slider} slider
 * @param {() => void} moved
 */
function draw(slider, moved) {
  const written = (/** @type {number} */ value) =>
    `${number(value, slider.digits, slider.digits)} ${slider.unit}`.trim();
  const output = h("span", { class: "output", "aria-hidden": "true" }, written(slider.value)); // the slider says its own value
  const input = h("input", {
    type: "range",
    min: slider.min,
    max: slider.max,
    step: slider.step,
    value: slider.value,
    "aria-valuetext": written(slider.value),
    input: () => {
      const value = Number(input.value);
      say(output, written(value));
      input.setAttribute("aria-valuetext", written(value));
      const scenario = structuredClone(answers.scenario ?? store.recipe.beer);
      slider.change(scenario, value);
      moved();
      answers.suppose(scenario);
    },
  });
  return h("label", { class: "slider" }, h("span", {}, slider.label), input, output);
}

/**
 * @param {Values} hop
 * @param {number} index
 * @returns {Slider[]}
 */
function slidersOf(hop, index) {
  const us = choice.system === "us";
  const unit = unitOf("hop");
  const amount = shownValue(hop, "hop") ?? 0;
  const stage = hop["stage"] ?? "boil";
  /** @param {(hop: Values, value: number) => void} change */
  const of = (change) => (/** @type {Beer} */ beer, /** @type {number} */ value) =>
    change(beer.hops?.[index] ?? {}, value);
  const step = us ? 0.05 : amount >= 200 ? 5 : 0.5;
  /** @type {Slider[]} */
  const sliders = [
    {
      label: t("amount"),
      min: 0,
      max: rounded(Math.max(amount * 2, us ? 1 : 30), step * 10),
      step,
      value: rounded(amount, step),
      digits: us ? 2 : 1,
      unit: unit.label,
      change: of((each, value) => setShown(each, "hop", value)),
    },
  ];
  if (stage === "dry_hop") return sliders;
  if (stage === "boil" || stage === "whirlpool") {
    const field = stage === "boil" ? "boil_minutes" : "stand_minutes";
    const minutes = numberIn(hop, field) ?? assumed(index, field) ?? 20;
    sliders.push({
      label: t("minutes"),
      min: 0,
      max: Math.max(stage === "boil" ? 90 : 60, minutes),
      step: 1,
      value: minutes,
      digits: 0,
      unit: "min",
      change: of((each, value) => (each[field] = value)),
    });
  }
  const alpha = numberIn(hop, "alpha_acid") ?? assumed(index, "alpha_acid");
  if (alpha !== undefined) {
    sliders.push({
      label: t("alphaLong"),
      min: 0,
      max: Math.max(20, Math.ceil(alpha * 1.5)),
      step: 0.1,
      value: alpha,
      digits: 1,
      unit: "%",
      change: of((each, value) => {
        for (const name of ["alpha_acid_low", "alpha_acid_high"]) delete each[name];
        each["alpha_acid"] = value;
      }),
    });
  }
  if (stage === "whirlpool") {
    const told = shownValue(hop, "temperature") ?? assumed(index, "temperature_c") ?? (us ? 190 : 88);
    sliders.push({
      label: t("temperature"),
      min: us ? 140 : 60,
      max: us ? 212 : 100,
      step: 1,
      value: told,
      digits: 0,
      unit: unitOf("temperature").label,
      change: of((each, value) => setShown(each, "temperature", value)),
    });
  }
  return sliders;
}

/**
 * The slider for the original gravity; the final one follows, so that the attenuation stays.
 *
 * @param {Beer} beer
 * @returns {Slider[]}
 */
function gravitySlider(beer) {
  const [og, fg] = [baseValue(beer, "og"), baseValue(beer, "fg")];
  if (og === undefined || fg === undefined || og <= 1) return [];
  const unit = unitOf("og");
  const shown = /** @type {(sg: number) => number} */ (unit.fromBase);
  const step = choice.gravity === "plato" ? 0.1 : choice.gravity === "points" ? 1 : 0.001;
  const attenuated = (fg - 1) / (og - 1);
  return [
    {
      label: t("ogInStep"),
      min: rounded(shown(Math.max(1.02, og - 0.03)), step),
      max: rounded(shown(og + 0.03), step),
      step,
      value: rounded(shown(og), step),
      digits: unit.digits,
      unit: unit.label,
      change: (scenario, value) => {
        const moved = /** @type {(x: number) => number} */ (unit.toBase)(value);
        setBase(scenario, "og", moved);
        setBase(scenario, "fg", 1 + (moved - 1) * attenuated);
        delete scenario["abv"];
      },
    },
  ];
}

/**
 * @param {Values} values
 * @param {Quantity} quantity
 * @param {number} value In the unit that is shown.
 */
function setShown(values, quantity, value) {
  setBase(values, quantity, /** @type {(x: number) => number} */ (unitOf(quantity).toBase)(value));
}

/**
 * @param {Values} values
 * @param {string} name
 * @returns {number | undefined}
 */
const numberIn = (values, name) => (typeof values[name] === "number" ? values[name] : undefined);

/**
 * Returns what the server assumes for a field of an addition.
 *
 * @param {number} index Its place on the form.
 * @param {string} name
 */
function assumed(index, name) {
  const sent = (store.recipe.beer.hops ?? []).slice(0, index).filter(isTold).length;
  return answers.ours?.prediction.assumptions?.find(({ field }) => field === `hops.${sent}.${name}`)?.value;
}

/**
 * @param {number} value
 * @param {number} step
 */
const rounded = (value, step) => Number((Math.round(value / step) * step).toFixed(4));

function keepScenario() {
  const { scenario } = answers;
  if (!scenario) return;
  answers.suppose(undefined);
  store.change((recipe) => (recipe.beer = scenario));
  notify(t("kept"), false, () => history.back());
}
