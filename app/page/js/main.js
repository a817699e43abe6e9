// Starts the page, and lets the answer follow the form.

import { connectAccess } from "./access.js";
import { AnswerView } from "./answer.js";
import { answers } from "./answers.js";
import { ROOT } from "./api.js";
import { connectBrewery } from "./brewery.js";
import { connectCompare } from "./compare.js";
import { byId, h, refill } from "./dom.js";
import { connectFiles, notify } from "./files.js";
import { findFieldsBy, refreshHints, renderForm, showAssumptions, showMessages } from "./form.js";
import { takeKeyFromAddress } from "./key.js";
import { loadLists } from "./lists.js";
import { keyOf } from "./messages.js";
import { store } from "./recipe.js";
import { connectSaving, sharedRecipe } from "./save.js";
import { tabs } from "./tabs.js";
import { connectTarget } from "./target.js";
import { chooseLanguage, currentLanguage, LANGUAGES, loadTexts, number, t, translateDocument } from "./text.js";
import { choice, chooseUnits } from "./units.js";
import { connectWhatIf } from "./whatif.js";
import { connectWhy } from "./why.js";

/** @typedef {import("./api.js").Failure} Failure */

const address = takeKeyFromAddress();
await loadTexts();
translateDocument();
store.start();

const view = new AnswerView();
/** @param {string} [field] */
const key = (field) => keyOf(store.recipe.beer, field);

answers.addEventListener("answer", () => {
  const { shown, ours } = answers;
  if (!shown) return;
  if (!shown.isScenario) {
    showMessages(
      shown.prediction.warnings.map(({ field, message }) => ({ key: key(field), kind: "warning", text: message })),
    );
    showAssumptions(shown.prediction.assumptions ?? []);
  }
  view.show(shown.prediction, shown.isScenario ? ours?.prediction : undefined);
});
answers.addEventListener("fail", (event) => {
  const failure = /** @type {CustomEvent<Failure>} */ (event).detail;
  if (!failure.problems.length) notify(t("failed", { detail: failure.message }), true);
  if (!answers.scenario)
    showMessages(failure.problems.map(({ field, reason }) => ({ key: key(field), kind: "error", text: reason })));
  view.stale();
});
answers.addEventListener("none", () => {
  showMessages([]);
  showAssumptions([]);
  view.empty();
});
answers.addEventListener("scenario", () => {
  byId("ghost").hidden = !answers.scenario || !answers.ours;
  if (answers.ours) byId("ghost").textContent = t("before", { ibu: number(answers.ours.prediction.ibu, 1, 1) });
  if (!answers.scenario && answers.ours) view.show(answers.ours.prediction);
});

findFieldsBy(key);
store.addEventListener("edit", () => answers.ask(true));
store.addEventListener("render", () => {
  renderForm();
  answers.ask();
});
connectAccess();
connectFiles();
connectSaving();
connectChoices();
connectBrewery();
connectWhy();
connectTarget();
connectWhatIf();
connectCompare();
tabs.connect();
renderForm();
answers.ask();
void loadLists().then(refreshHints);
void openLink(address.get("r"));
addEventListener("hashchange", () => {
  const parameters = takeKeyFromAddress();
  void openLink(parameters.get("r"));
});
if ("serviceWorker" in navigator) {
  const worker = new URL(`../worker.js?texts=${currentLanguage()}`, import.meta.url);
  navigator.serviceWorker.register(worker, { scope: ROOT.pathname }).catch(() => undefined); // the page works without it
}
document.documentElement.classList.add("started");

/**
 * Opens the recipe of a link.
 *
 * @param {string | null} text
 */
async function openLink(text) {
  if (!text) return;
  const recipe = await sharedRecipe(text);
  if (recipe) store.replace(recipe);
  else notify(t("linkFailed"), true);
}

/** Connects the choice of units and of the language. */
function connectChoices() {
  const us = /** @type {HTMLInputElement} */ (byId("us"));
  us.checked = choice.system === "us";
  const scale = /** @type {HTMLSelectElement} */ (byId("gravity"));
  scale.value = choice.gravity;
  const change = () => {
    chooseUnits(us.checked ? "us" : "metric", /** @type {import("./units.js").GravityScale} */ (scale.value));
    renderForm();
    answers.suppose(undefined);
    tabs.open(tabs.current);
  };
  us.addEventListener("change", change);
  byId("metric").addEventListener("change", change);
  scale.addEventListener("change", change);
  const language = /** @type {HTMLSelectElement} */ (byId("language"));
  refill(
    language,
    Object.entries(LANGUAGES).map(([code, name]) =>
      h("option", { value: code, selected: code === currentLanguage(), lang: code }, name),
    ),
  );
  language.addEventListener("change", () => {
    chooseLanguage(language.value);
    location.reload();
  });
}
