// Recipe files: opened by a button, dropped or pasted; the server reads them.

import { call, Failure } from "./api.js";
import { byId, h, put, refill } from "./dom.js";
import { placeOfNote } from "./messages.js";
import { store } from "./recipe.js";
import { tabs } from "./tabs.js";
import { number, t } from "./text.js";

/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {Schemas["RecipeAnswer"]} RecipeAnswer */

/** Bytes of the largest file that the server takes, as it says in the page. */
const LARGEST = Number(
  /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="body-limit"]')).content,
);

/** A recipe to start from; the one of README. */
const EXAMPLE = {
  name: "American IPA",
  beer: {
    target_og: 1.056,
    target_fg: 1.013,
    ebc: 17,
    ph: 4.4,
    batch_volume_l: 20,
    style: "American IPA",
    hops: [
      { name: "Magnum", amount_g: 12, alpha_acid: 12.5, boil_minutes: 60 },
      { name: "Simcoe", amount_g: 25, stage: "end" },
      { name: "Simcoe", amount_g: 60, stage: "dry_hop" },
    ],
    malts: [
      { name: "Pale Ale", amount_kg: 4.4 },
      { name: "Caramalt", amount_kg: 0.4 },
    ],
    yeast: "Wyeast 1056 - American Ale",
  },
};

/** Connects the buttons, dropping and pasting. */
export function connectFiles() {
  const input = /** @type {HTMLInputElement} */ (byId("file"));
  for (const button of document.querySelectorAll(".open-file")) button.addEventListener("click", () => input.click());
  for (const button of document.querySelectorAll(".open-example"))
    button.addEventListener("click", () => {
      store.replace(structuredClone(EXAMPLE));
      tabs.open("recipe");
      notify("");
    });
  byId("clear").addEventListener("click", () => {
    store.replace({ name: "", beer: {} });
    tabs.open("recipe");
    notify(t("cleared"), false, () => history.back());
  });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) void open(file);
    input.value = "";
  });
  let depth = 0;
  /** @param {DragEvent} event */
  const hasFile = (event) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragenter", (event) => {
    if (hasFile(event)) byId("drop").hidden = !(depth += 1);
  });
  addEventListener("dragleave", (event) => {
    if (hasFile(event)) byId("drop").hidden = !(depth -= 1);
  });
  addEventListener("dragover", (event) => {
    if (hasFile(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    depth = 0;
    byId("drop").hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) void open(file);
  });
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const isRecipe = /^\s*[<{[]/.test(text) && text.length > 40;
    if (!file && !isRecipe) return;
    event.preventDefault();
    void open(file ?? new Blob([text]));
  });
}

/** Number of files that were opened: the answer to an older one is not waited for. */
let opened = 0;

/**
 * Opens a file: the server reads it, and the user chooses if it has several recipes.
 *
 * @param {Blob} file
 */
async function open(file) {
  const mine = (opened += 1);
  if (file.size > LARGEST) {
    notify(t("importLarge", { limit: number(LARGEST / 1e6) }), true);
    return;
  }
  notify(t("reading"));
  try {
    /** @type {Schemas["RecipeAnswers"]} */
    const { recipes } = await call("recipes", file);
    if (mine !== opened) return;
    if (recipes.length === 1 && recipes[0]) take(recipes[0]);
    else await choose(recipes);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (mine !== opened) return;
    const [problem] = error.problems;
    notify(t("importFailed", { reason: problem ? `${problem.field}: ${problem.reason}` : error.message }), true);
  }
}

/** @param {RecipeAnswer} recipe */
function take(recipe) {
  const name = recipe.name || t("untitled");
  const problem = recipe.errors?.[0];
  if (!recipe.beer) {
    notify(t("importNone", { reason: problem ? `${problem.path}: ${problem.reason}` : "" }), true);
    return;
  }
  const beer = /** @type {import("./recipe.js").Beer} */ (recipe.beer);
  const notes = recipe.notes.map(({ path, message }) => ({ ...placeOfNote(beer, path), text: message }));
  const had = Object.keys(store.recipe.beer).length > 0;
  store.replace({ name: recipe.name ?? "", beer }, notes);
  tabs.open("recipe");
  notify(
    notes.length ? t("importedNotes", { name, count: notes.length }) : t("imported", { name }),
    false,
    had ? () => history.back() : undefined,
  );
}

/** @param {RecipeAnswer[]} recipes */
async function choose(recipes) {
  const dialog = h("dialog", { class: "choose", "aria-labelledby": "choose-title" });
  const list = h(
    "ul",
    {},
    recipes.map((recipe, index) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", disabled: !recipe.beer, click: () => dialog.close(String(index)) },
          h("span", {}, recipe.name || t("untitled")),
          h(
            "span",
            { class: "hint" },
            recipe.prediction ? `${number(recipe.prediction.ibu)} ${t("ibu")}` : (recipe.errors?.[0]?.reason ?? ""),
          ),
        ),
      ),
    ),
  );
  refill(
    dialog,
    h("h2", { id: "choose-title" }, t("choose", { count: recipes.length })),
    list,
    h("button", { type: "button", class: "plain", click: () => dialog.close("") }, t("cancel")),
  );
  document.body.append(dialog);
  dialog.showModal();
  notify("");
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  dialog.remove();
  const chosen = dialog.returnValue ? recipes[Number(dialog.returnValue)] : undefined;
  if (chosen) take(chosen);
}

/** @type {number | undefined} */
let fading;
/** Takes an offer to undo, and notes on a file, away once something else has changed. */
const outdated = () => {
  if (byId("notice").querySelector("button, details")) notify("");
};
store.addEventListener("edit", outdated);
store.addEventListener("render", outdated);
tabs.addEventListener("change", () => {
  if (byId("notice").querySelector("details")) notify("");
});

/**
 * Says what happened, for some seconds, or until something else happens if it is an error.
 *
 * @param {string} text
 * @param {boolean} [isError]
 * @param {() => void} [undo] What undoes it.
 * @param {{summary: string, notes: string[]}} [more] What the server says of it, to be unfolded; it does not fade.
 */
export function notify(text, isError = false, undo, more) {
  const place = byId("notice");
  clearTimeout(fading);
  refill(place, text);
  if (undo) {
    put(
      place,
      " ",
      h(
        "button",
        {
          type: "button",
          class: "link",
          click: () => {
            refill(place);
            undo();
          },
        },
        t("undo"),
      ),
    );
  }
  if (more?.notes.length) {
    const notes = more.notes.map((note) => h("li", {}, note));
    put(place, h("details", {}, h("summary", {}, more.summary), h("ul", { lang: "en" }, notes)));
  }
  place.classList.toggle("error", isError);
  if (!isError && text && !more?.notes.length) fading = setTimeout(() => refill(place), undo ? 20000 : 8000);
}
