/**
 * A plot: one figure over the last minute, as a line of SVG with its name and its last value.
 * Who cannot see it has the same in words.
 */

import {drawing, element, say} from "./element.js";

const WIDTH = 240,
  HEIGHT = 48; // of the drawing's own units
const POINTS = 60; // seconds
const MARGIN = 4;

/** Return the path of values (null is a gap) in a box, scaled from 0 to `top`. */
export function pathOf(values, top, {width = WIDTH, height = HEIGHT, points = POINTS} = {}) {
  const step = width / (points - 1);
  const from = points - values.length;
  let path = "",
    isOpen = false;
  values.forEach((value, index) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    const x = ((from + index) * step).toFixed(1);
    const y = (height - MARGIN - (height - 2 * MARGIN) * Math.min(value / top, 1)).toFixed(1);
    path += `${isOpen ? "L" : "M"}${x} ${y}`;
    if (!isOpen) path += `L${x} ${y}`; // a lone value shows as a dot, with round caps
    isOpen = true;
  });
  return path;
}

/** Return a round number that no value is above: 1, 2 or 5 times a power of ten. */
export function topOf(values, least) {
  const most = Math.max(least, ...values.filter(one => one !== null));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map(one => one * power).find(one => one >= most * 0.999);
}

/** One figure. `format` makes a value into text, `least` is the least top of its scale. */
export class Plot {
  constructor({name, format, least, hint}) {
    Object.assign(this, {name, format, least, values: []});
    this.line = drawing("path", {class: "line"});
    this.svg = drawing(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
        class: "plot",
      },
      drawing("path", {class: "ground", d: `M0 ${HEIGHT - MARGIN}H${WIDTH}`}),
      this.line,
    );
    this.value = element("dd", {class: "value"}, "–");
    this.scale = element("dd", {class: "scale"}, hint);
    this.hint = hint;
    this.node = element(
      "div",
      {class: "figure"},
      element("dt", {}, name),
      this.value,
      element("dd", {class: "drawing"}, this.svg),
      this.scale,
    );
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > POINTS) this.values.shift();
    const top = topOf(this.values, this.least);
    this.line.setAttribute("d", pathOf(this.values, top));
    say(this.value, value === null ? "–" : this.format(value));
    const known = this.values.filter(one => one !== null);
    say(
      this.scale,
      known.length < 2
        ? this.hint
        : rangeText(this.format(Math.min(...known)), this.format(Math.max(...known))),
    );
  }
}

/** Return a range of two texts, with its unit once where both have the same. */
export function rangeText(least, most) {
  const unit = least.slice(least.lastIndexOf(" "));
  if (least === most) return least;
  return most.endsWith(unit) ? `${least.slice(0, -unit.length)} to ${most}` : `${least} to ${most}`;
}
