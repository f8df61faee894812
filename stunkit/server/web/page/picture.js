/**
 * The picture of a call's path for a report: boxes and the lines between them, along a line for wide
 * pages and down a column for narrow ones, as `stunkit preflight --report` draws it.
 */

import {escape} from "./report.js";

const WIDTH = 156,
  HEIGHT = 64; // of a box
const WIDE = {along: 196, across: 118},
  TALL = {along: 104, across: 176}; // from box to box
const MARGIN = 12;
const LETTERS = 22; // that a box has room for

const NATS = {
  // what a NAT's box says of its ports, and how hard that makes it
  "endpoint-independent": ["one port for all", "fine"],
  depends: ["a port per peer", "hinders"],
  unknown: ["ports unknown", "unknown"],
};

/**
 * Return the figure of a call. `ours` is what is known of the family that counts here (see
 * mapping.js, or null), `outcome` that of the call, null where there was none.
 */
export function figureOf({ours, outcome, pair = null, title}) {
  const boxes = [
    {
      title: "You",
      lines: pair?.local.type === "host" ? [pair.local.address || "address hidden"] : [],
      state: "other",
    },
  ];
  if (ours?.udp === "open" && ours.nat !== false) {
    const [words, state] = NATS[ours.mapping];
    boxes.push({
      title: ours.nat ? "Your NAT" : "Your NAT?",
      lines: [words, "filter unknown"],
      state,
    });
  }
  const hub = boxes.length;
  boxes.push({
    title: "Internet",
    lines: ours?.seen.length ? ["you are seen as", ours.seen[0]] : [],
    state: "other",
  });
  if (outcome !== null) {
    boxes.push({
      title: "Their side",
      lines: pair?.remote.address ? ["it is seen as", pair.remote.address] : ["not seen from here"],
      state: "unknown",
    });
    boxes.push({title: "Other end", lines: [], state: "other"});
  }
  boxes.forEach((box, index) => Object.assign(box, {along: index, across: 0}));
  const chain = boxes.map((_, index) => index);
  const stop = outcome === "blocked" ? boxes.length - 2 : chain.length;
  const lines = chain
    .slice(1)
    .map(end => ({
      start: end - 1,
      end,
      kind: outcome === null ? "thin" : end <= stop ? outcome : "thin",
    }));
  if (outcome === "relay") {
    boxes.push({title: "Relay", lines: [], state: "fine", along: hub + 0.5, across: 1});
    lines.push({start: hub, end: boxes.length - 1, kind: "relay"});
  }
  const both = [true, false].map(isWide => draw(boxes, lines, title, isWide)).join("");
  return (
    `<figure>${both}<figcaption class="legend quiet">${escape(title)}. Green is no hindrance, orange makes ` +
    "it harder, red stops it; a dashed frame is not known for sure.</figcaption></figure>"
  );
}

function draw(boxes, lines, title, isWide) {
  const {along, across} = isWide ? WIDE : TALL;
  const corners = boxes.map(box => {
    const steps = [box.along * along + MARGIN, box.across * across + MARGIN];
    return isWide ? steps : steps.reverse();
  });
  const width = Math.max(...corners.map(([x]) => x)) + WIDTH + MARGIN;
  const height = Math.max(...corners.map(([, y]) => y)) + HEIGHT + MARGIN;
  const middle = index => [corners[index][0] + WIDTH / 2, corners[index][1] + HEIGHT / 2];
  const strokes = [...lines]
    .sort((one, other) => (other.kind === "thin") - (one.kind === "thin"))
    .map(({start, end, kind}) => {
      const [[x1, y1], [x2, y2]] = [middle(start), middle(end)];
      return `<line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
    });
  return (
    `<svg class="path ${isWide ? "wide" : "tall"}" viewBox="0 0 ${width} ${height}" role="img">` +
    `<title>${escape(title)}</title>${strokes.join("")}` +
    `${boxes.map((box, index) => frame(box, ...corners[index])).join("")}</svg>`
  );
}

function frame({title, lines, state}, x, y) {
  const rows = [[title, "title"], ...lines.map(one => [one, "line"])];
  const first = y + HEIGHT / 2 + 5 - 8 * (rows.length - 1);
  const texts = rows.map(
    ([text, kind], index) =>
      `<text class="${kind}" x="${x + WIDTH / 2}" y="${first + 16 * index}">${escape(shorten(text))}</text>`,
  );
  return (
    `<g class="box ${state}"><title>${escape([title, ...lines].join(", "))}</title>` +
    `<rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="9"/>${texts.join("")}</g>`
  );
}

const shorten = text => (text.length <= LETTERS ? text : `${text.slice(0, LETTERS - 1)}…`);
