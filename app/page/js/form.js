// The form of a recipe: vital figures, and rows of hops and malts.

import { completed } from "./combobox.js";
import { byId, h, icon, put, refill, say } from "./dom.js";
import { alphaHint, styleOptions, varietyOptions } from "./lists.js";
import { reorderable } from "./reorder.js";
import { isBlank, isTold, store } from "./recipe.js";
import { maybe, number, t } from "./text.js";
import { inShownUnit, shownText, tell, unitOf, valueOf } from "./units.js";

/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {import("./combobox.js").Option} Option */
/** @typedef {import("./messages.js").Message} Message */
/** @typedef {import("./recipe.js").RowKind} RowKind */
/** @typedef {import("./text.js").TextKey} TextKey */
/** @typedef {import("./units.js").Quantity} Quantity */
/** @typedef {import("./units.js").Values} Values */
/** @typedef {{input: HTMLInputElement | HTMLSelectElement, group: string, label: string}} Control */

const STAGES = ["boil", "first_wort", "mash", "whirlpool", "dry_hop", "start", "middle", "end"];
const FORMS = ["pellet", "cone", "extract", "cryo"];
const PACKAGINGS = ["open", "airtight", "vacuum"];
/** Fields that open the details of a row; pellets are what hops are unless something else is said. */
const DETAILS = [
  "alpha_acid_low",
  "alpha_acid_high",
  "age_months",
  "storage_temperature_c",
  "storage_temperature_f",
  "packaging",
  "alpha_loss",
];

/** @type {Map<string, Control>} */
const controls = new Map();
/** @type {Map<string, HTMLElement>} */
const groups = new Map();
/** Rows whose details are open. @type {WeakSet<Values>} */
const opened = new WeakSet();
/** @type {Message[]} */
let shownMessages = [];
/** @type {Schemas["Assumption"][]} */
let shownAssumptions = [];
let ids = 0;

/** Draws the form again, and keeps the focus. */
export function renderForm() {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["focus"] : undefined;
  controls.clear();
  groups.clear();
  const { recipe } = store;
  refill(byId("recipe-name"), nameField());
  refill(byId("recipe-style"), styleField());
  refill(byId("style-notes"), group("style"));
  refill(
    byId("figures"),
    h(
      "div",
      { class: "figures" },
      quantityField("og", recipe.beer, "og", t("og"), "figures"),
      quantityField("fg", recipe.beer, "fg", t("fg"), "figures"),
      numberField("abv", recipe.beer, "abv", t("abv"), "% vol", "figures"),
      quantityField("colour", recipe.beer, "colour", t("colour"), "figures"),
      numberField("ph", recipe.beer, "ph", t("ph"), "", "figures"),
      quantityField("batch", recipe.beer, "batch", t("batch"), "figures"),
      quantityField("boil", recipe.beer, "boil", t("boil"), "figures"),
    ),
    group("figures"),
  );
  refill(byId("hops"), rows("hops", hopRow), hopsFoot());
  refill(byId("malts"), rows("malts", maltRow), maltsFoot());
  refill(byId("yeast"), textField("yeast", recipe.beer, "yeast", t("yeast"), t("yeastHint"), "yeast"), group("yeast"));
  groups.set("general", byId("general-notes"));
  drawMessages();
  drawAssumptions();
  if (focused) focusOn(focused);
}

/** Shows the ranges of alpha acid again, once the varieties are known; text that is being typed is kept. */
export function refreshHints() {
  store.recipe.beer.hops?.forEach((hop, index) => {
    const input = controls.get(`hops.${index}.alpha`)?.input;
    if (input) input.dataset["hint"] = alphaHint(String(hop["name"] ?? ""));
  });
  drawAssumptions();
}

/**
 * Focuses a control.
 *
 * @param {string} key
 */
export function focusOn(key) {
  const element = /** @type {HTMLElement | null} */ (document.querySelector(`[data-focus="${CSS.escape(key)}"]`));
  element?.focus({ preventScroll: false });
}

/**
 * Shows what the server says of the fields.
 *
 * @param {Message[]} messages
 */
export function showMessages(messages) {
  shownMessages = messages;
  drawMessages();
}

/**
 * Shows in empty fields what the server assumes for them.
 *
 * @param {Schemas["Assumption"][]} assumptions
 */
export function showAssumptions(assumptions) {
  shownAssumptions = assumptions;
  drawAssumptions();
}

/** @returns {Message[]} */
function ownMessages() {
  const { beer } = store.recipe;
  /** @type {Message[]} */
  const own = store.notes.flatMap(({ row, part, text }) => {
    const place = row ? rowKey(row) : part;
    return place ? [{ key: row && part ? `${place}.${part}` : place, kind: "note", text }] : [];
  });
  for (const kind of /** @type {RowKind[]} */ (["hops", "malts"])) {
    beer[kind]?.forEach((row, index) => {
      if (isTold(row) || isBlank(row)) return;
      const missing = row["name"] ? "amount" : "name";
      const text = missing === "amount" ? t("needsAmount") : t(kind === "hops" ? "needsName" : "needsMalt");
      own.push({ key: `${kind}.${index}.${missing}`, kind: "hint", text });
    });
  }
  return own;
}

/** @param {Values} row */
function rowKey(row) {
  for (const kind of /** @type {RowKind[]} */ (["hops", "malts"])) {
    const index = store.recipe.beer[kind]?.indexOf(row) ?? -1;
    if (index >= 0) return `${kind}.${index}`;
  }
  return undefined;
}

function drawMessages() {
  /** @type {Map<HTMLElement, HTMLElement[]>} */
  const lists = new Map([...groups.values()].map((list) => [list, []]));
  for (const { input } of controls.values()) {
    input.removeAttribute("aria-describedby");
    input.removeAttribute("aria-invalid");
    input.closest(".field")?.classList.remove("error", "warning", "note");
  }
  for (const { key, kind, text } of [...shownMessages, ...ownMessages()]) {
    const control = controls.get(key);
    const row = key.split(".").slice(0, 2).join(".");
    const list = groups.get(control?.group ?? (groups.has(row) ? row : "general"));
    if (!list) continue;
    ids += 1;
    const item = h(
      "li",
      { id: `message-${ids}`, class: kind },
      control && kind !== "hint" && h("b", {}, `${control.label}: `),
      h("span", { lang: kind === "hint" ? null : "en" }, text),
    );
    lists.get(list)?.push(item);
    if (control) {
      control.input.setAttribute(
        "aria-describedby",
        `${control.input.getAttribute("aria-describedby") ?? ""} ${item.id}`.trim(),
      );
      if (kind === "error") control.input.setAttribute("aria-invalid", "true");
      if (kind !== "hint") control.input.closest(".field")?.classList.add(kind);
    }
  }
  for (const [list, items] of lists) {
    const text = items.map((item) => item.className + item.textContent).join("\n");
    if (list.dataset["text"] === text && list.children.length === items.length) {
      // unchanged: nothing flickers
      items.forEach(({ id }, index) => list.children[index]?.setAttribute("id", id));
      continue;
    }
    list.dataset["text"] = text;
    refill(list, items);
  }
}

/** Values that are assumed, by the key of their field. */
function drawAssumptions() {
  for (const { input } of controls.values()) {
    if (input instanceof HTMLInputElement && input.dataset["hint"] !== undefined) {
      input.placeholder = input.dataset["hint"];
      input.title = "";
    }
  }
  for (const { field, value, reason } of shownAssumptions.toReversed()) {
    // if there are several, the first is for the field itself
    const key = assumedKey(field);
    const input = controls.get(key)?.input;
    if (!(input instanceof HTMLInputElement)) continue;
    const part = key.split(".").pop();
    const quantity =
      part === "batch" ? "batch" : part === "temperature" ? "temperature" : part === "storage" ? "storage" : undefined;
    input.placeholder = quantity ? inShownUnit(value, quantity) : number(value, 1);
    input.title = `${t("assumed")}: ${reason}`;
  }
}

/** @type {(field: string) => string} */
let assumedKey = (field) => field;

/**
 * Sets how a field of the request is found on the form.
 *
 * @param {(field: string) => string} find
 */
export function findFieldsBy(find) {
  assumedKey = find;
}

/** @param {string} name */
function group(name) {
  const list = h("ul", { class: "messages" });
  groups.set(name, list);
  return list;
}

/** Notes that a value was typed: what an import said of it no longer holds. @param {string} key */
function edited(key) {
  store.notes = store.notes.filter(({ row, part }) => (row ? `${rowKey(row)}.${part}` : part) !== key);
  drawMessages();
  store.edited();
}

/**
 * @param {string} key
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {string} label
 * @param {string} groupName
 * @param {string} unit
 * @param {...(Node | string | false)} more
 */
function field(key, input, label, groupName, unit = "", ...more) {
  ids += 1;
  input.id = `field-${ids}`;
  input.dataset["focus"] = key;
  if (input instanceof HTMLInputElement) input.dataset["hint"] ??= input.placeholder;
  controls.set(key, { input, group: groupName, label });
  input.addEventListener("change", () => store.commit());
  const part = key.split(".").pop() ?? "";
  return h(
    "div",
    { class: `field f-${part}` },
    h("label", { for: input.id }, label),
    h("span", { class: "box" }, input, unit && h("span", { class: "unit", "aria-hidden": "true" }, unit)),
    more.filter((each) => each !== false),
  );
}

/**
 * @param {string} key
 * @param {Values} values
 * @param {Quantity} quantity
 * @param {string} label
 * @param {string} groupName
 */
function quantityField(key, values, quantity, label, groupName) {
  const unit = unitOf(quantity).label;
  const input = figure(shownText(values, quantity), (text) => {
    tell(values, quantity, text);
    edited(key);
  });
  return field(key, input, label, groupName, unit);
}

/**
 * @param {string} key
 * @param {Values} values
 * @param {string} name Field of the request.
 * @param {string} label
 * @param {string} unit
 * @param {string} groupName
 * @param {string} hint
 */
function numberField(key, values, name, label, unit, groupName, hint = "") {
  const value = values[name];
  const input = figure(typeof value === "number" ? number(value, 3) : String(value ?? ""), (text) => {
    const told = valueOf(text);
    if (told === undefined) delete values[name];
    else values[name] = told;
    edited(key);
  });
  input.placeholder = hint;
  return field(key, input, label, groupName, unit);
}

/**
 * @param {string} value
 * @param {(text: string) => void} change
 */
function figure(value, change) {
  return h("input", {
    type: "text",
    class: "figure",
    inputmode: "decimal",
    autocomplete: "off",
    maxlength: 12,
    value,
    input: (/** @type {any} */ event) => change(event.target.value),
  });
}

/**
 * @param {string} key
 * @param {Values} values
 * @param {string} name
 * @param {string} label
 * @param {string} hint
 * @param {string} groupName
 * @param {() => Option[]} [options]
 * @param {() => void} [then] Called after a change.
 */
function textField(key, values, name, label, hint, groupName, options, then) {
  /** @param {string} text */
  const change = (text) => {
    if (text.trim()) values[name] = text.trim();
    else delete values[name];
    then?.();
    edited(key);
  };
  const input = h("input", {
    type: "text",
    autocomplete: "off",
    maxlength: 80,
    placeholder: hint,
    value: values[name] ?? "",
    "aria-label": options && label,
    input: (/** @type {any} */ event) => change(event.target.value),
  });
  const list =
    options &&
    completed(input, options, (value) => {
      change(value);
      store.commit();
    });
  return field(key, input, label, groupName, "", list ?? false);
}

/**
 * @param {string} key
 * @param {string[]} values
 * @param {string} value
 * @param {(value: string) => string} text
 * @param {string} label
 * @param {string} groupName
 * @param {(value: string) => void} change
 */
function choiceField(key, values, value, text, label, groupName, change) {
  const all = values.includes(value) ? values : [...values, value];
  const select = h(
    "select",
    { change: () => change(select.value) },
    all.map((each) => h("option", { value: each, selected: each === value }, text(each))),
  );
  return field(key, select, label, groupName);
}

function nameField() {
  const { recipe } = store;
  return h("input", {
    type: "text",
    class: "name",
    "aria-label": t("name"),
    placeholder: t("untitled"),
    maxlength: 80,
    autocomplete: "off",
    value: recipe.name,
    "data-focus": "name",
    input: (/** @type {any} */ event) => {
      recipe.name = event.target.value;
      store.edited();
    },
    change: () => store.commit(),
  });
}

function styleField() {
  return textField("style", store.recipe.beer, "style", t("style"), t("styleHint"), "style", styleOptions);
}

/**
 * @param {RowKind} kind
 * @param {(row: Values, index: number) => HTMLElement} draw
 */
function rows(kind, draw) {
  const all = store.recipe.beer[kind] ?? [];
  if (!all.length) return null;
  const columns =
    kind === "hops" ? ["variety", "amount", "alpha", "when", "minutes", "temperature"] : ["malt", "amount"];
  return [
    h(
      "div",
      { class: `columns ${kind}-row`, "aria-hidden": "true" },
      h("span"),
      columns.map((name) => h("span", {}, t(/** @type {TextKey} */ (name)))),
    ),
    reorderable(h("ol", { class: "rows" }, all.map(draw)), (from, to) => moveRow(kind, from, to)),
  ];
}

/**
 * @param {RowKind} kind
 * @param {number} from
 * @param {number} to
 */
function moveRow(kind, from, to) {
  const all = store.recipe.beer[kind] ?? [];
  if (to < 0 || to >= all.length || to === from) return;
  store.change(() => all.splice(to, 0, ...all.splice(from, 1)));
  focusOn(`${kind}.${to}.grip`);
  say(byId("spoken"), t("moved", { name: rowName(kind, to), number: to + 1 }));
}

/**
 * @param {RowKind} kind
 * @param {number} index
 */
const rowName = (kind, index) =>
  String(store.recipe.beer[kind]?.[index]?.["name"] || t("rowName", { number: index + 1 }));

/**
 * @param {RowKind} kind
 * @param {number} index
 */
function grip(kind, index) {
  return h(
    "button",
    {
      type: "button",
      class: "grip",
      "data-focus": `${kind}.${index}.grip`,
      "aria-label": t("move", { name: rowName(kind, index) }),
      keydown: (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        moveRow(kind, index, index + step);
      },
    },
    icon("grip"),
  );
}

/**
 * @param {RowKind} kind
 * @param {number} index
 */
function actions(kind, index) {
  const name = rowName(kind, index);
  /** @param {(all: Values[]) => void} change */
  const act = (change) =>
    store.change(({ beer }) => {
      change((beer[kind] ??= []));
      if (!beer[kind]?.length) delete beer[kind];
    });
  return [
    button("copy", t("duplicate", { name }), `${kind}.${index}.copy`, () => {
      act((all) => all.splice(index + 1, 0, structuredClone(all[index] ?? {})));
      focusOn(`${kind}.${index + 1}.amount`);
    }),
    button("remove", t("remove", { name }), `${kind}.${index}.remove`, () => {
      act((all) => all.splice(index, 1));
      const left = store.recipe.beer[kind]?.length ?? 0;
      focusOn(left ? `${kind}.${Math.min(index, left - 1)}.remove` : `${kind}.add`);
    }),
  ];
}

/**
 * @param {Parameters<typeof icon>[0]} name
 * @param {string} label
 * @param {string} key
 * @param {() => void} click
 * @param {Record<string, string>} more
 */
function button(name, label, key, click, more = {}) {
  return h(
    "button",
    { type: "button", class: "quiet", "aria-label": label, title: label, "data-focus": key, click, ...more },
    icon(name),
  );
}

/**
 * @param {Values} hop
 * @param {number} index
 */
function hopRow(hop, index) {
  const base = `hops.${index}`;
  const when = hop["stage"] ?? "boil";
  const stands =
    when === "whirlpool" ||
    (when === "boil" &&
      (hop["boil_minutes"] === 0 || hop["temperature_c"] !== undefined || hop["temperature_f"] !== undefined));
  const hasDetails =
    opened.has(hop) || (hop["form"] ?? "pellet") !== "pellet" || DETAILS.some((name) => hop[name] !== undefined);
  const name = rowName("hops", index);
  const alpha = numberField(
    `${base}.alpha`,
    hop,
    "alpha_acid",
    t("alphaLong"),
    "%",
    base,
    alphaHint(String(hop["name"] ?? "")),
  );
  const alphaInput = /** @type {HTMLInputElement} */ (alpha.querySelector("input"));
  const row = h(
    "li",
    { class: "row hops-row", "data-row": index },
    grip("hops", index),
    textField(`${base}.name`, hop, "name", t("variety"), "", base, varietyOptions, () => {
      alphaInput.dataset["hint"] = alphaInput.placeholder = alphaHint(String(hop["name"] ?? ""));
    }),
    quantityField(`${base}.amount`, hop, "hop", t("amount"), base),
    alpha,
    choiceField(
      `${base}.when`,
      STAGES,
      when,
      (each) => maybe(`when.${each}`, each),
      t("when"),
      base,
      (stage) => changeStage(hop, stage),
    ),
    when === "boil"
      ? numberField(`${base}.minutes`, hop, "boil_minutes", t("minutes"), "min", base)
      : when === "whirlpool"
        ? numberField(`${base}.minutes`, hop, "stand_minutes", t("standMinutes"), "min", base)
        : h("span", { class: "f-minutes none" }),
    stands
      ? quantityField(`${base}.temperature`, hop, "temperature", t("temperature"), base)
      : h("span", { class: "f-temperature none" }),
    h(
      "span",
      { class: "actions" },
      button("more", t("more", { name }), `${base}.more`, () => toggleDetails(hop, index), {
        "aria-expanded": String(hasDetails),
      }),
      actions("hops", index),
    ),
  );
  if (hasDetails) put(row, details(hop, base, when === "boil" && stands && hop["stand_minutes"] !== undefined));
  put(row, group(base));
  return row;
}

/**
 * @param {Values} hop
 * @param {string} base
 * @param {boolean} withStand Whether the minutes of a stand have no other place.
 */
function details(hop, base, withStand) {
  /**
   * @param {string} part
   * @param {string} name
   * @param {string[]} values
   */
  const choice = (part, name, values) =>
    choiceField(
      `${base}.${part}`,
      ["", ...values],
      String(hop[name] ?? ""),
      (each) => (each ? maybe(`${part}.${each}`, each) : t("notTold")),
      t(/** @type {TextKey} */ (part)),
      base,
      (value) => {
        if (value) hop[name] = value;
        else delete hop[name];
        edited(`${base}.${part}`);
      },
    );
  return h(
    "div",
    { class: "details" },
    choice("form", "form", FORMS),
    numberField(`${base}.alpha_low`, hop, "alpha_acid_low", t("alpha_low"), "%", base),
    numberField(`${base}.alpha_high`, hop, "alpha_acid_high", t("alpha_high"), "%", base),
    withStand && numberField(`${base}.stand`, hop, "stand_minutes", t("standMinutes"), "min", base),
    numberField(`${base}.age`, hop, "age_months", t("age"), t("months"), base),
    quantityField(`${base}.storage`, hop, "storage", t("storage"), base),
    choice("packaging", "packaging", PACKAGINGS),
    numberField(`${base}.loss`, hop, "alpha_loss", t("loss"), "%", base),
  );
}

/**
 * @param {Values} hop
 * @param {number} index
 */
function toggleDetails(hop, index) {
  if (opened.has(hop)) opened.delete(hop);
  else opened.add(hop);
  renderForm();
  focusOn(opened.has(hop) ? `hops.${index}.form` : `hops.${index}.more`);
}

/**
 * @param {Values} hop
 * @param {string} stage
 */
function changeStage(hop, stage) {
  store.change(() => {
    if (stage === "boil") {
      delete hop["stage"];
    } else {
      hop["stage"] = stage;
      delete hop["boil_minutes"];
    }
    if (stage !== "whirlpool") for (const name of ["stand_minutes", "temperature_c", "temperature_f"]) delete hop[name];
  });
}

/**
 * @param {Values} malt
 * @param {number} index
 */
function maltRow(malt, index) {
  const base = `malts.${index}`;
  return h(
    "li",
    { class: "row malts-row", "data-row": index },
    grip("malts", index),
    textField(`${base}.name`, malt, "name", t("malt"), "", base),
    quantityField(`${base}.amount`, malt, "malt", t("amount"), base),
    h("span", { class: "actions" }, actions("malts", index)),
    group(base),
  );
}

/**
 * @param {RowKind} kind
 * @param {TextKey} label
 * @param {() => Values} row
 */
function addButton(kind, label, row) {
  return h(
    "button",
    {
      type: "button",
      class: "add",
      "data-focus": `${kind}.add`,
      click: () => {
        store.change(({ beer }) => (beer[kind] ??= []).push(row()));
        focusOn(`${kind}.${(store.recipe.beer[kind]?.length ?? 1) - 1}.name`);
      },
    },
    icon("add"),
    t(label),
  );
}

function hopsFoot() {
  const { beer } = store.recipe;
  const add = addButton("hops", "addHop", () => ({ boil_minutes: 60 }));
  if (beer.hops?.length) return add;
  const none = h("input", {
    type: "checkbox",
    checked: beer.hops !== undefined,
    "data-focus": "hops.none",
    change: () =>
      store.change(() => {
        if (none.checked) beer.hops = [];
        else delete beer.hops;
      }),
  });
  return [
    h("p", { class: "empty" }, t("hopsEmpty")),
    h("div", { class: "foot" }, add, h("label", { class: "check" }, none, t("noHops"))),
  ];
}

function maltsFoot() {
  const add = addButton("malts", "addMalt", () => ({}));
  return store.recipe.beer.malts?.length ? add : [h("p", { class: "empty" }, t("maltsEmpty")), add];
}
