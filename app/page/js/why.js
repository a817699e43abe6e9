// Why the answer is what it is: signed bars, and what each addition gives by each formula.
// The table states its roles, because a narrow page lays out its rows differently, and some browsers then do not treat it as a table.

import { answers } from "./answers.js";
import { byId, h, refill } from "./dom.js";
import { tabs } from "./tabs.js";
import { maybe, number, t } from "./text.js";

/** @typedef {import("./api.js").Prediction} Prediction */
/** @typedef {import("./api.js").Schemas} Schemas */

const FORMULAS = /** @type {const} */ (["tinseth", "rager", "garetz", "physical", "model"]);

/** Connects the explanation: answers come with it while its tab is open. */
export function connectWhy() {
  tabs.addEventListener("change", () => {
    answers.explains = tabs.current === "why";
    if (answers.explains && !answers.shown?.prediction.explanation) answers.ask();
    show();
  });
  answers.addEventListener("answer", show);
  answers.addEventListener("none", show);
}

function show() {
  if (tabs.current !== "why") return;
  const prediction = answers.shown?.prediction;
  if (!prediction) refill(byId("why"), h("p", { class: "empty" }, t("whyEmpty")));
  else if (prediction.explanation) {
    const { additions } = prediction.explanation;
    refill(
      byId("why"),
      bars(prediction.ibu, prediction.explanation),
      untold(prediction.explanation),
      additions?.length ? tableOf(additions, prediction) : null,
    );
  }
}

/**
 * @param {number} ibu
 * @param {Schemas["Explanation"]} explanation
 */
function bars(ibu, { base_value, contributions }) {
  const largest = Math.max(1, ...contributions.map((each) => Math.abs(each.ibu)));
  /** @param {HTMLElement} bar @param {number} value */
  const sized = (bar, value) => {
    const share = (Math.abs(value) / largest) * 50;
    bar.style.width = `${share}%`;
    bar.style.left = value < 0 ? `${50 - share}%` : "50%";
    return bar;
  };
  return [
    h("h2", {}, t("whyTitle")),
    h("p", { class: "lead" }, t("whyText")),
    h(
      "dl",
      { class: "bars" },
      h("div", { class: "end" }, h("dt", {}, t("typical")), h("dd", { class: "value" }, number(base_value, 1, 1))),
      contributions.map((each) =>
        h(
          "div",
          {},
          h(
            "dt",
            {},
            maybe(`group.${each.group}`, each.group),
            each.assumed.length > 0 &&
              each.assumed.length === each.inputs.length &&
              h("span", { class: "hint" }, ` ${t("notTold")}`),
          ),
          h("dd", { class: "value" }, number(each.ibu, 1, 1, true)),
          h(
            "dd",
            { class: "track", "aria-hidden": "true" },
            sized(h("span", { class: each.ibu < 0 ? "less" : "more" }), each.ibu),
          ),
        ),
      ),
      h("div", { class: "end" }, h("dt", {}, t("thisBeer")), h("dd", { class: "value" }, number(ibu, 1, 1))),
    ),
  ];
}

/** @param {Schemas["Explanation"]} explanation */
function untold(explanation) {
  const { untold: parts = [] } = explanation;
  return parts.length
    ? [
        h("h2", {}, t("untoldTitle")),
        h(
          "ul",
          { class: "messages", lang: "en" },
          parts.map(({ text }) => h("li", {}, text)),
        ),
      ]
    : null;
}

/**
 * @param {Schemas["AdditionEstimates"][]} rows
 * @param {Prediction} prediction
 */
function tableOf(rows, prediction) {
  const sums = { ...prediction.estimates, model: undefined };
  return [
    h("h2", {}, t("additionsTitle")),
    h(
      "table",
      { class: "additions", role: "table" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          h("th", { scope: "col", role: "columnheader" }, t("hops")),
          FORMULAS.map((name) => h("th", { scope: "col", role: "columnheader", class: "figure" }, t(name))),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        rows.map((row) => [
          h(
            "tr",
            { role: "row" },
            h("th", { scope: "row", role: "rowheader" }, row.name),
            FORMULAS.map((name) => h("td", { role: "cell", class: "figure" }, number(row[name], 1, 1))),
          ),
          row.reason &&
            h("tr", { role: "row", class: "reason" }, h("td", { role: "cell", colspan: 6, lang: "en" }, row.reason)),
        ]),
      ),
      h(
        "tfoot",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          h("th", { scope: "row", role: "rowheader" }, t("together")),
          FORMULAS.map((name) =>
            h(
              "td",
              { role: "cell", class: "figure" },
              sums[name] === undefined ? "" : number(Number(sums[name]), 1, 1),
            ),
          ),
        ),
      ),
    ),
  ];
}
