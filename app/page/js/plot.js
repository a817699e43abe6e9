// The plot of an answer: a quantile dot plot over the range of the style, with the formulas as ticks on one axis.
// People decide better with dots than with error bars: Kay et al. 2016, Fernandes et al. 2018.

import { h, refill, s } from "./dom.js";
import { number, t } from "./text.js";

/** @typedef {import("./api.js").Prediction} Prediction */
/** @typedef {import("./text.js").TextKey} TextKey */

/** Dots of a plot: each is one of this many such beers. */
export const DOTS = 20;

const TOP = 24;
const DOTS_HEIGHT = 80;
const AXIS = TOP + DOTS_HEIGHT + 4;
const LABEL_ROW = 15;
const LABEL_ROWS = 2;
const HEIGHT = AXIS + 22 + LABEL_ROW * LABEL_ROWS;
const LARGEST_DOT = 18;
const ENDS = [60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 800, 1200];
const FORMULAS = /** @type {const} */ (["tinseth", "physical", "rager", "garetz"]);

/** Draws answers, one after the other, into the same picture. */
export class Plot {
  #svg = s("svg", { class: "plot", role: "img", height: HEIGHT });
  #back = s("g");
  #ghosts = s("g", { class: "ghosts" });
  #dots = s("g", { class: "dots" });
  #front = s("g");
  #end = 0;
  /** @type {{prediction: Prediction | undefined, ghost: Prediction | undefined}} */
  #shown = { prediction: undefined, ghost: undefined };
  #caption = h("p", { class: "caption" });

  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.#svg.append(this.#back, this.#ghosts, this.#dots, this.#front);
    refill(place, this.#svg, this.#caption);
    new ResizeObserver(() => this.draw(this.#shown.prediction, this.#shown.ghost)).observe(place);
  }

  /**
   * Draws an answer; without one, the empty axis.
   *
   * @param {Prediction | undefined} prediction
   * @param {Prediction} [ghost] The answer before, drawn faintly.
   */
  draw(prediction, ghost) {
    this.#shown = { prediction, ghost };
    const width = this.place.clientWidth;
    if (!width) return;
    this.#svg.setAttribute("width", String(width));
    this.#end = axisEnd(this.#end, [prediction, ghost]);
    const x = (/** @type {number} */ ibu) => 8 + (Math.min(ibu, this.#end) / this.#end) * (width - 16);
    const band = prediction?.style?.bitterness;
    const values = prediction?.quantiles ?? [];
    const dots = prediction && stacked(values.map(x));
    refill(this.#back, band && bandOf(prediction.style?.name ?? "", band, x, width), axis(this.#end, x, width));
    this.#place(this.#ghosts, ghost && stacked((ghost.quantiles ?? []).map(x)), () => "ghost");
    this.#place(this.#dots, dots, (index) =>
      !band || (Number(values[index]) >= band.low && Number(values[index]) <= band.high) ? "dot" : "dot outside",
    );
    refill(this.#front, prediction && [interval(prediction, x), formulas(prediction, x, width)]);
    const inside = band ? values.filter((value) => value >= band.low && value <= band.high).length : 0;
    this.#svg.setAttribute(
      "aria-label",
      !prediction
        ? t("bitterness")
        : band
          ? t("dots", { count: DOTS, inside })
          : t("dotsPlain", {
              count: DOTS,
              lower: number(prediction.interval.lower),
              upper: number(prediction.interval.upper),
            }),
    );
    this.#caption.textContent = prediction ? t("eachDot", { count: DOTS }) : " ";
  }

  /**
   * Moves dots to their places; CSS makes them glide.
   *
   * @param {SVGGElement} layer
   * @param {{places: [number, number][], size: number} | undefined} dots
   * @param {(index: number) => string} kind
   */
  #place(layer, dots, kind) {
    if (!dots) {
      layer.replaceChildren();
      return;
    }
    dots.places.forEach(([left, up], index) => {
      const known = /** @type {SVGCircleElement | undefined} */ (layer.children[index]);
      const dot = known ?? s("circle", { cx: 0, cy: 0 });
      if (!known) layer.append(dot);
      dot.setAttribute("class", kind(index));
      dot.setAttribute("r", String(dots.size / 2 - 0.75));
      dot.style.transform = `translate(${left.toFixed(1)}px, ${(AXIS - 4 - up).toFixed(1)}px)`;
    });
  }
}

/**
 * Returns the end of the axis: one that is used already stays while it fits, so that the picture does not jump.
 *
 * @param {number} used
 * @param {(Prediction | undefined)[]} predictions
 */
function axisEnd(used, predictions) {
  const values = predictions.flatMap((each) =>
    each
      ? [
          (each.quantiles?.at(-1) ?? each.interval.upper) * 1.04,
          each.style?.bitterness?.high ?? 0,
          ...Object.values(each.estimates ?? {}),
        ]
      : [],
  );
  const needed = Math.max(0, ...values);
  return used >= needed && needed > used * 0.4 ? used : (ENDS.find((end) => end >= needed) ?? needed);
}

/**
 * Stacks dots that would overlap; from left to right, as Wilkinson's dot plots do.
 *
 * @param {number[]} lefts Sorted.
 * @returns {{places: [number, number][], size: number}}
 */
function stacked(lefts) {
  for (let size = LARGEST_DOT; ; size -= 1) {
    /** @type {[number, number][]} */
    const places = [];
    let start = -Infinity;
    let height = 0;
    let highest = 0;
    for (const left of lefts) {
      height = left - start < size ? height + 1 : 1;
      if (height === 1) start = left;
      highest = Math.max(highest, height);
      places.push([start + size / 2 - size / 4, (height - 0.5) * size]);
    }
    if (highest * size <= DOTS_HEIGHT || size <= 4) return { places, size };
  }
}

/**
 * @param {string} name
 * @param {{low: number, high: number}} band
 * @param {(ibu: number) => number} x
 * @param {number} width
 */
function bandOf(name, band, x, width) {
  const [left, right] = [x(band.low), x(band.high)];
  const label = t("styleBand", { name, low: number(band.low), high: number(band.high) });
  const half = label.length * 3.1;
  const middle = Math.min(Math.max((left + right) / 2, half), width - half);
  return [
    s("rect", { class: "band", x: left, y: TOP - 4, width: right - left, height: AXIS - TOP + 4 }),
    s("text", { class: "band-name", x: middle, y: 13, "text-anchor": "middle" }, label),
  ];
}

/**
 * @param {number} end
 * @param {(ibu: number) => number} x
 * @param {number} width
 */
function axis(end, x, width) {
  const step = [10, 20, 25, 50, 100, 200].find((each) => end / each <= Math.min(8, width / 44)) ?? end / 4;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
  return [
    s("line", { class: "axis", x1: x(0), x2: x(end), y1: AXIS, y2: AXIS }),
    ticks.map((tick) =>
      s(
        "text",
        {
          class: "tick",
          x: x(tick),
          y: AXIS + 14,
          "text-anchor": tick === 0 ? "start" : tick === end ? "end" : "middle",
        },
        number(tick),
      ),
    ),
  ];
}

/**
 * @param {Prediction} prediction
 * @param {(ibu: number) => number} x
 */
function interval({ ibu, interval: { lower, upper } }, x) {
  return [
    s("line", { class: "interval", x1: x(lower), x2: x(upper), y1: AXIS, y2: AXIS }),
    s("line", { class: "point", x1: x(ibu), x2: x(ibu), y1: AXIS - 4, y2: AXIS + 4 }),
  ];
}

/** @typedef {{from: number, to: number, row: number, stem: number}} Label */

/**
 * @param {Prediction} prediction
 * @param {(ibu: number) => number} x
 * @param {number} width
 */
function formulas({ estimates }, x, width) {
  const ticks = FORMULAS.flatMap((name) =>
    estimates?.[name] === undefined
      ? []
      : [{ left: x(estimates[name]), text: `${t(name)} ${number(estimates[name])}` }],
  );
  ticks.sort((one, other) => one.left - other.left);
  const labels = arranged(
    ticks.map(({ left, text }) => ({ left, length: text.length * 6.3 + 8 })),
    width,
  );
  return ticks.map(({ left, text }, index) => {
    const { from, row } = /** @type {Label} */ (labels[index]);
    const y = AXIS + 32 + row * LABEL_ROW;
    const isTurned = from < left;
    return [
      s("line", { class: "formula", x1: left, x2: left, y1: AXIS + 1, y2: y }),
      s(
        "text",
        { class: "formula-name", x: isTurned ? left - 5 : left + 5, y, "text-anchor": isTurned ? "end" : "start" },
        text,
      ),
    ];
  });
}

/**
 * Places labels at ticks: of all ways to put each to the right or to the left, in the first row or the second, the one
 * in which the fewest touch.
 *
 * @param {{left: number, length: number}[]} ticks
 * @param {number} width
 * @returns {Label[]}
 */
function arranged(ticks, width) {
  /** @type {{cost: number, labels: Label[]}} */
  let best = { cost: Infinity, labels: [] };
  /**
   * @param {Label[]} labels
   * @param {number} cost
   */
  function add(labels, cost) {
    const tick = ticks[labels.length];
    if (cost >= best.cost) return;
    if (!tick) {
      best = { cost, labels };
      return;
    }
    for (let row = 0; row < LABEL_ROWS; row += 1) {
      for (const from of [tick.left, tick.left - tick.length]) {
        const label = { from, to: from + tick.length, row, stem: tick.left };
        const touched = labels.filter((other) => touch(label, other)).length;
        const beyond = label.from < 0 || label.to > width ? 4 : 0;
        add([...labels, label], cost + 10 * touched + 10 * beyond + row + (from < tick.left ? 0.5 : 0));
      }
    }
  }
  add([], 0);
  return best.labels;
}

/**
 * Returns whether two labels overlap, or the line of one crosses the other.
 *
 * @param {Label} one
 * @param {Label} other
 */
function touch(one, other) {
  const crosses = (/** @type {Label} */ low, /** @type {Label} */ high) =>
    low.row > high.row && low.stem > high.from && low.stem < high.to;
  if (crosses(one, other) || crosses(other, one)) return true;
  return one.row === other.row && one.from < other.to && other.from < one.to;
}
