// Completion for a text input, as the ARIA pattern of a combobox with a list: any text may be typed.

import { h, refill } from "./dom.js";

/** @typedef {{value: string, hint: string, words: string[]}} Option */

const MOST = 8;
let ids = 0;

/**
 * Folds a text for comparison: case and accents do not count.
 *
 * @param {string} text
 */
export const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();

/**
 * Adds a list of options to an input.
 *
 * @param {HTMLInputElement} input
 * @param {() => Option[]} options All options; their `words` are folded.
 * @param {(value: string) => void} pick Called with the option that was picked.
 * @returns {HTMLElement} The list, to be placed behind the input.
 */
export function completed(input, options, pick) {
  ids += 1;
  const id = `list-${ids}`;
  const list = h("ul", {
    id,
    class: "options",
    role: "listbox",
    hidden: true,
    "aria-label": input.getAttribute("aria-label") ?? "",
  });
  const attributes = {
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": id,
    "aria-autocomplete": "list",
    autocomplete: "off",
  };
  for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
  let active = -1;

  function close() {
    active = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function open() {
    const found = matches(options(), fold(input.value));
    active = -1;
    input.removeAttribute("aria-activedescendant");
    refill(
      list,
      found.map(({ value, hint }, index) =>
        h(
          "li",
          {
            id: `${id}-${index}`,
            role: "option",
            "aria-selected": "false",
            pointerdown: (/** @type {PointerEvent} */ event) => {
              event.preventDefault();
              choose(value);
            },
          },
          h("span", {}, value),
          hint && h("span", { class: "hint" }, hint),
        ),
      ),
    );
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  /** @param {string} value */
  function choose(value) {
    input.value = value;
    close();
    pick(value);
  }

  /** @param {number} step */
  function move(step) {
    const items = [...list.children];
    items[active]?.setAttribute("aria-selected", "false");
    active = (active + step + items.length + (active < 0 && step < 0 ? 1 : 0)) % items.length;
    const item = items[active];
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", item.id);
  }

  input.addEventListener("input", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open();
      if (!list.hidden) move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      choose(list.children[active]?.firstChild?.textContent ?? input.value);
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
  return list;
}

/**
 * @param {Option[]} options
 * @param {string} typed
 */
function matches(options, typed) {
  if (!typed) return options.slice(0, 50);
  /** @type {Option[][]} */
  const ranks = [[], [], []];
  for (const option of options) {
    const rank = option.words.some((word) => word.startsWith(typed))
      ? 0
      : option.words.some((word) => word.includes(` ${typed}`))
        ? 1
        : 2;
    if (rank < 2 || option.words.some((word) => word.includes(typed))) ranks[rank]?.push(option);
  }
  return ranks.flat().slice(0, MOST);
}
