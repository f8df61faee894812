/** The conversation: the chat as it is shown. */

import {byId, element} from "./element.js";

const MOST_LINES = 500;

/** The log and the field below it; `send(text)` returns whether it went out. */
export class Conversation {
  constructor(send) {
    byId("say").addEventListener("submit", event => {
      event.preventDefault();
      const field = byId("text");
      const text = field.value.trim();
      if (!text || !send(text)) return;
      this.add("You", text);
      field.value = "";
      field.focus();
    });
  }

  open(isOpen) {
    byId("text").disabled = byId("send").disabled = !isOpen;
  }

  /** Add a line; `who` is "You" or "They". */
  add(who, text) {
    const log = byId("log");
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(
      element(
        "p",
        {class: who === "You" ? "line mine" : "line"},
        element("span", {class: "who"}, `${who}: `),
        element("span", {}, text),
      ),
    );
    while (log.children.length > MOST_LINES) log.firstChild.remove();
    if (isAtEnd || who === "You") log.scrollTop = log.scrollHeight;
  }
}
