// The inverse problem: weights of hops for a bitterness. The server solves it.

import { answers } from "./answers.js";
import { call, Failure } from "./api.js";
import { words } from "./answer.js";
import { byId, h, refill, say } from "./dom.js";
import { notify } from "./files.js";
import { isTold, requestOf, store } from "./recipe.js";
import { tabs } from "./tabs.js";
import { number, percent, t } from "./text.js";
import { choice, GRAMS_PER_OUNCE, shownText, unitOf, valueOf } from "./units.js";

/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {import("./recipe.js").Values} Values */
/** @typedef {import("./text.js").TextKey} TextKey */
/** @typedef {Schemas["Solution"]} Solution */

const FORMULAS = /** @type {const} */ (["model", "physical", "tinseth", "rager", "garetz"]);

/** What was asked last, kept when the form is drawn again. */
const wanted = { kind: "ibu", ibu: "40", bu_gu: "", by: "model" };
/** Rows of hops that may move. If none is chosen, the server chooses. @type {WeakSet<Values>} */
const moves = new WeakSet();

/** Number of questions asked: only the newest is answered. */
let asked = 0;

/** Connects the tab. */
export function connectTarget() {
  const draw = () => {
    if (tabs.current === "target") render();
  };
  tabs.addEventListener("change", draw);
  store.addEventListener("render", draw);
}

function render() {
  const { beer } = store.recipe;
  const hops = (beer.hops ?? []).filter((hop) => hop["name"]);
  if (!hops.length || !answers.ours) {
    refill(byId("target"), h("p", { class: "empty" }, t("targetEmpty")));
    return;
  }
  const result = h("div", { id: "solution" });
  const problem = h("p", { class: "problem", id: "target-problem", role: "alert" });
  /**
   * @param {"ibu" | "bu_gu"} name
   * @param {TextKey} label
   */
  const aim = (name, label) => {
    const input = h("input", {
      type: "text",
      class: "aim",
      inputmode: "decimal",
      autocomplete: "off",
      value: wanted[name],
      "aria-label": t(label),
      "aria-describedby": problem.id,
      "data-focus": `target.${name}`,
      input: () => {
        wanted[name] = input.value;
        radio.checked = true;
        wanted.kind = name;
      },
    });
    const radio = h("input", {
      type: "radio",
      name: "aim",
      checked: wanted.kind === name,
      change: () => (wanted.kind = name),
    });
    return h("div", { class: "aim-row" }, h("label", { class: "check" }, radio, t(label)), input);
  };
  const form = h(
    "form",
    {
      class: "target",
      submit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void solve(result, problem);
      },
    },
    h(
      "fieldset",
      {},
      h("legend", {}, t("aim")),
      aim("ibu", "aimIbu"),
      aim("bu_gu", "aimBuGu"),
      beer["style"] &&
        h(
          "div",
          { class: "aim-row" },
          h(
            "label",
            { class: "check" },
            h("input", {
              type: "radio",
              name: "aim",
              checked: wanted.kind === "style",
              change: () => (wanted.kind = "style"),
            }),
            t("aimStyle", { style: String(beer["style"]) }),
          ),
        ),
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, t("mayMove")),
      h("p", { class: "hint wide" }, t("moveNone")),
      hops.map((hop) =>
        h(
          "label",
          { class: "check" },
          h("input", {
            type: "checkbox",
            checked: moves.has(hop),
            change: (/** @type {any} */ event) => (event.target.checked ? moves.add(hop) : moves.delete(hop)),
          }),
          h("span", {}, `${hop["name"]}, ${timeOf(hop)}`),
        ),
      ),
    ),
    h(
      "div",
      { class: "foot" },
      h(
        "label",
        { class: "choice" },
        h("span", {}, t("by")),
        h(
          "select",
          { change: (/** @type {any} */ event) => (wanted.by = event.target.value) },
          FORMULAS.map((name) => h("option", { value: name, selected: wanted.by === name }, t(name))),
        ),
      ),
      h("button", { type: "submit", class: "main", "data-focus": "target.solve" }, t("solve")),
    ),
    problem,
  );
  refill(byId("target"), h("p", { class: "lead" }, t("targetText")), form, result);
}

/**
 * Says when hops are added.
 *
 * @param {Values} hop
 */
export function timeOf(hop) {
  const stage = hop["stage"] ?? "boil";
  const minutes = hop["boil_minutes"] ?? hop["stand_minutes"];
  const name = t(/** @type {TextKey} */ (`when.${stage}`));
  const temperature = shownText(hop, "temperature");
  return [
    name,
    minutes !== undefined && `${number(Number(minutes), 1)} min`,
    temperature && `${temperature} ${unitOf("temperature").label}`,
  ]
    .filter(Boolean)
    .join(" ");
}

/**
 * @param {HTMLElement} result
 * @param {HTMLElement} problem
 */
async function solve(result, problem) {
  const { beer } = store.recipe;
  const request = requestOf(beer);
  const hops = (beer.hops ?? []).filter((hop) => hop["name"]);
  request.hops = hops;
  const move = hops.flatMap((hop, index) => (moves.has(hop) ? [index] : []));
  const target =
    wanted.kind === "style"
      ? { own_style: true }
      : { [wanted.kind]: valueOf(wanted.kind === "ibu" ? wanted.ibu : wanted.bu_gu) ?? null };
  const mine = (asked += 1);
  say(problem, "");
  try {
    /** @type {Solution} */
    const solution = await call("solve", {
      beer: { ...request, ...answers.extra() },
      target,
      by: wanted.by,
      ...(move.length && { move }),
      ...(choice.system === "us" && !hops.some((hop) => hop["amount_oz"] !== undefined) && { step_oz: 0.05 }), // otherwise the server chooses
    });
    if (mine === asked) showSolution(result, solution, hops);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (mine !== asked) return;
    refill(result);
    say(problem, error.problems.map(({ reason }) => reason).join(" ") || error.message);
  }
}

/**
 * @param {HTMLElement} result
 * @param {Solution} solution
 * @param {Values[]} hops Those that were sent.
 */
function showSolution(result, solution, hops) {
  const { prediction, reachable, style, target_ibu } = solution;
  const unit = unitOf("hop");
  const perStep = solution.ibu_per_gram * (choice.system === "us" ? GRAMS_PER_OUNCE * 0.1 : 1);
  const band = style?.bitterness ?? prediction.style?.bitterness;
  refill(
    result,
    h("h2", {}, t("solved")),
    h(
      "table",
      { class: "solved" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("hops")),
          h("th", { scope: "col", class: "figure" }, t("now")),
          h("th", { scope: "col", class: "figure" }, t("then")),
        ),
      ),
      h(
        "tbody",
        {},
        solution.hops.map((hop, index) =>
          h(
            "tr",
            { class: solution.moved.includes(index) ? "moved" : "" },
            h("th", { scope: "row" }, `${hop["name"]}, ${timeOf(hops[index] ?? hop)}`),
            h("td", { class: "figure" }, withUnit(hops[index] ?? {}, unit.label)),
            h("td", { class: "figure" }, withUnit(hop, unit.label)),
          ),
        ),
      ),
    ),
    h(
      "p",
      { class: "lead" },
      t(wanted.by === "model" && solution.method === "curve" ? "solvedModel" : "solvedAnswer", {
        ibu: number(solution.ibu, 1, 1),
        by: t(/** @type {TextKey} */ (wanted.by)),
        prediction: number(prediction.ibu, 1, 1),
        words: words(prediction.interval),
      }),
    ),
    solution.method === "physical_shape" && h("p", { class: "hint wide" }, t("solvedShape")),
    h(
      "div",
      { class: "facts" },
      target_ibu !== undefined && fact(t("asked"), `${number(target_ibu, 1, 1)} ${t("ibu")}`),
      fact(t("reachable"), t("fromTo", { lower: number(reachable.lower, 1), upper: number(reachable.upper, 1) })),
      fact(choice.system === "us" ? t("perOunce") : t("perGram"), `${number(perStep, 2, 2, true)} ${t("ibu")}`),
      band &&
        fact(
          t("styleChance", {
            name: style?.name ?? prediction.style?.name ?? "",
            low: number(band.low),
            high: number(band.high),
          }),
          percent(band.probability),
        ),
    ),
    h(
      "div",
      { class: "foot" },
      h(
        "button",
        { type: "button", class: "main", "data-focus": "target.apply", click: () => apply(solution, hops) },
        t("apply"),
      ),
    ),
  );
  say(
    byId("spoken"),
    `${t("solved")}: ${solution.moved.map((index) => `${solution.hops[index]?.["name"]} ${withUnit(solution.hops[index] ?? {}, unit.label)}`).join(", ")}`,
  );
}

/**
 * @param {Values} hop
 * @param {string} unit
 */
const withUnit = (hop, unit) => (isTold(hop) ? `${shownText(hop, "hop")} ${unit}` : "–");

/**
 * @param {string} name
 * @param {string} value
 */
const fact = (name, value) => h("p", { class: "fact" }, h("span", {}, name), h("b", {}, value));

/**
 * @param {Solution} solution
 * @param {Values[]} hops Those that were sent; the form's own rows.
 */
function apply(solution, hops) {
  store.change(() => {
    for (const index of solution.moved) {
      const [hop, solved] = [hops[index], solution.hops[index]];
      if (!hop || !solved) continue;
      for (const name of /** @type {const} */ (["amount_g", "amount_oz"])) {
        delete hop[name];
        if (solved[name] !== undefined && solved[name] !== null) hop[name] = solved[name];
      }
    }
  });
  notify(t("applied"), false, () => history.back());
}
