// Builds elements. Text is always set as text, never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Single */
/** @typedef {Single | any[]} Child Lists may stand in lists. */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

/**
 * Creates an HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes] Attributes; `true` is an empty one, `false` and null are left out; functions are
 *   listeners of the event that the name says.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  return /** @type {HTMLElementTagNameMap[K]} */ (fill(document.createElement(tag), attributes, children));
}

/**
 * Creates an SVG element; the parameters are those of `h`.
 *
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, attributes = {}, ...children) {
  return /** @type {SVGElementTagNameMap[K]} */ (fill(document.createElementNS(SVG, tag), attributes, children));
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, ...children);
  return element;
}

/**
 * Appends children; false, null and undefined are left out.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child !== false && child != null) element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Replaces the contents of an element.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function refill(element, ...children) {
  element.replaceChildren();
  put(element, ...children);
}

/**
 * Returns the element with an id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
}

/**
 * Sets the text of an element if it differs, so that a live region announces only changes.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const ICONS = {
  grip: "M6 3v0M10 3v0M6 8v0M10 8v0M6 13v0M10 13v0",
  copy: "M6 5.5h7v8H6zM3 10.500v-8h7",
  remove: "M4 4l8 8M12 4l-8 8",
  more: "M3 8v0M8 8v0M13 8v0",
  add: "M8 3v10M3 8h10",
  key: "M7 9.500a3 3 0 1 1 0-3h6.500M11.500 6.500v3",
  pin: "M8 9.500v4.500M4.500 9.500h7M6 2.500h4l-.5 4 2 3h-7l2-3z",
};

/**
 * Creates a small icon that says nothing to a screen reader.
 *
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  return s(
    "svg",
    { class: name === "more" ? "icon dotted" : "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    s("path", { d: ICONS[name] }),
  );
}
