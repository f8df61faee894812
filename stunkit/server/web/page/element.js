/**
 * Elements of the page, made of text and never of markup: what comes from the network or from a
 * person cannot become a part of the page.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Return the element with an id; the pages have all that is asked for. */
export const byId = id => document.getElementById(id);

/** Make an element with attributes and children (texts or nodes; null is left out). */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Make an element of a drawing. */
export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Put children in the place of those that there are, but only where something differs. */
export function replace(parent, ...children) {
  const made = document.createElement("div");
  made.append(...children.flat().filter(one => one != null));
  if (made.innerHTML !== parent.innerHTML) parent.replaceChildren(...made.childNodes);
}

/** Say something in an element, so that what has not changed is not read out again. */
export function say(parent, text) {
  if (parent.textContent !== text) parent.textContent = text;
}

/** Show an element, or hide it. */
export function show(one, isShown = true) {
  one.hidden = !isShown;
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter(one => one != null));
  return made;
}
