/**
 * A report: one HTML page that needs nothing else, to attach to a ticket or to print, in the look and
 * the structure of `stunkit preflight --report`. Both have their style from report.css.
 *
 * Rules of this file: everything passes `escape`. The page has no script and loads nothing: its
 * policy allows the one style that it has, by its digest.
 */

const UNSAFE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"};

/** Return a text that is no markup. */
export const escape = text => String(text).replace(/[&<>"']/g, one => UNSAFE[one]);

/** Return the page: `outcome` colours it, `parts` are pieces of HTML. */
export async function pageOf({title, outcome, kind, sentence, meta, picture, parts, foot}) {
  const style = await (await fetch("/static/report.css")).text();
  const policy = `default-src 'none'; style-src ${await sourceOf(style)}; base-uri 'none'; form-action 'none'`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">',
    `<title>${escape(title)}: ${escape(kind)}</title>`,
    `<style>${style}</style></head><body><main>`,
    `<header><div class="verdict ${outcome}">`,
    `<p class="kind is-${outcome}">${escape(kind)}</p>`,
    `<h1>${escape(sentence)}</h1></div><p class="meta">${escape(meta)}</p></header>`,
    picture,
    ...parts,
    `<footer class="quiet"><p>${escape(foot)}</p></footer></main></body></html>\n`,
  ].join("");
}

/** Return a section with a heading; nothing where there is nothing in it. */
export const section = (title, ...parts) =>
  parts.join("") ? `<section><h2>${escape(title)}</h2>${parts.join("")}</section>` : "";

/** Return sections side by side where there is room. */
export const columns = (...sections) => `<div class="columns">${sections.join("")}</div>`;

/** Return a list of sentences. */
export const bullets = texts =>
  texts.length ? `<ul>${texts.map(one => `<li>${escape(one)}</li>`).join("")}</ul>` : "";

/** Return a table; the first cell of each row is its name. */
export function table(headings, rows) {
  if (!rows.length) return "";
  const cells = headings.map(one => `<th scope="col">${escape(one)}</th>`).join("");
  const head = headings.length ? `<thead><tr>${cells}</tr></thead>` : "";
  const body = rows
    .map(
      ([name, ...rest]) =>
        `<tr><th scope="row">${escape(name)}</th>` +
        `${rest.map(one => `<td>${escape(one)}</td>`).join("")}</tr>`,
    )
    .join("");
  return `<div class="scroll"><table>${head}<tbody>${body}</tbody></table></div>`;
}

/** Return claims with what they rest on, folded up. */
export function evidence(items) {
  const inner = items
    .map(one => `<dt>${escape(one.claim)}: ${escape(one.value)}</dt><dd>${escape(one.why)}</dd>`)
    .join("");
  return items.length
    ? `<details><summary>${items.length} claims and what they rest on</summary>` +
        `<dl>${inner}</dl></details>`
    : "";
}

/** Return when, in the words of the report. */
export const timeText = date => `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** Have the browser save a file. */
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], {type: `${type};charset=utf-8`}));
  const link = document.createElement("a");
  Object.assign(link, {href: url, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Return what a policy allows a style by; without a secure context there are no digests. */
async function sourceOf(style) {
  if (!globalThis.crypto?.subtle) return "'unsafe-inline'";
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
