/** The invitation: a room's link, to copy, to share, or to scan. */

import {byId, say, show} from "./element.js";

const SHOWN = 2500; // milliseconds that a button says what it has done

/** Return the link of a room; what is after # reaches no server when it is opened. */
export const linkOf = room => `${location.origin}/rehearse#${room}`;

/** Show the link of a room. */
export function invite(room) {
  const link = linkOf(room);
  byId("link").value = link;
  const qr = byId("qr");
  qr.onload = () => show(qr);
  qr.onerror = () => show(qr, false); // the link is enough
  qr.src = `/qr.svg?${new URLSearchParams({link})}`;
  show(byId("share"), typeof navigator.share === "function");
}

byId("link").addEventListener("focus", event => event.target.select());
byId("copy").addEventListener("click", async () => {
  const field = byId("link"),
    button = byId("copy");
  try {
    await navigator.clipboard.writeText(field.value);
    say(button, "Copied");
  } catch {
    // no permission, or no secure context
    field.focus();
    field.select();
    say(button, "Press Ctrl+C to copy");
  }
  setTimeout(() => say(button, "Copy the link"), SHOWN);
});
byId("share").addEventListener("click", () => {
  // It fails where somebody thinks better of it.
  navigator.share({title: "Rehearse a call", url: byId("link").value}).catch(() => {});
});
