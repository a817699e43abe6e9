// Tabs, as the ARIA pattern: arrow keys move between them.

import { byId } from "./dom.js";

/** @typedef {"recipe" | "why" | "target" | "whatif" | "compare" | "brewery"} Tab */

/** Says `change`. */
class Tabs extends EventTarget {
  /** @type {Tab} */
  current = "recipe";

  /** Connects the tabs of the document. */
  connect() {
    const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
    tabs.forEach((tab, index) => {
      tab.addEventListener("click", () => this.open(nameOf(tab)));
      tab.addEventListener("keydown", (event) => {
        const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[
          event.key
        ];
        const next = to === undefined ? undefined : tabs[to % tabs.length];
        if (!next) return;
        event.preventDefault();
        this.open(nameOf(next));
        next.focus();
      });
    });
    this.open(this.current);
  }

  /** @param {Tab} name */
  open(name) {
    this.current = name;
    for (const tab of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[role=tab]"))) {
      const isCurrent = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(isCurrent));
      tab.tabIndex = isCurrent ? 0 : -1;
      byId(nameOf(tab)).hidden = !isCurrent;
    }
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {HTMLElement} tab
 * @returns {Tab}
 */
const nameOf = (tab) => /** @type {Tab} */ (tab.getAttribute("aria-controls"));

export const tabs = new Tabs();
