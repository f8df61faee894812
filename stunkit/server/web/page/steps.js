/** The steps of a call: the lesson beside it while it happens, each lit when it is reached. */

import {element, say} from "./element.js";
import {LESSON} from "./lesson.js";

const STATES = {pending: "not yet", active: "now", done: "done", failed: "failed"};
const SEEN = ["active", "failed"]; // in words; of the others the mark says enough

/** The list. */
export class Steps {
  constructor(list) {
    this.steps = Object.fromEntries(
      LESSON.map((lesson, index) => [lesson.id, makeStep(lesson, index)]),
    );
    list.replaceChildren(...Object.values(this.steps).map(one => one.node));
    this.reset();
  }

  /** Forget a call; what was measured before it stays. */
  reset(...kept) {
    for (const [id, step] of Object.entries(this.steps)) {
      if (kept.includes(id)) continue;
      setState(step, "pending");
      say(step.note, "");
      step.things.clear();
      step.details.hidden = true;
      step.content.replaceChildren();
    }
  }

  /** Light a step: `state` is active, done or failed; `note` says in a few words what came of it. */
  reach(id, state, note = null) {
    const step = this.steps[id];
    if (!(state === "active" && step.state === "done")) setState(step, state);
    if (note !== null) say(step.note, note);
  }

  /** Put the actual thing beside a step: a line, an SDP. The same key replaces what was there. */
  show(id, key, title, text) {
    const step = this.steps[id];
    step.things.set(key, {title, text});
    step.details.hidden = false;
    const nodes = [...step.things.values()].flatMap(one => [
      element("p", {class: "thing"}, one.title),
      element("pre", {tabindex: "0", role: "group", "aria-label": one.title}, one.text),
    ]);
    step.content.replaceChildren(...nodes);
  }
}

function makeStep({id, title, text}, index) {
  const state = element("span", {class: "state"});
  const note = element("span", {class: "note"});
  const content = element("div", {class: "things"});
  const summary = element(
    "summary",
    {},
    "Look at it",
    element("span", {class: "unseen"}, `: ${title}`),
  );
  const details = element("details", {hidden: true}, summary, content);
  const node = element(
    "li",
    {class: "step", "data-step": id},
    element("span", {class: "mark", "aria-hidden": "true"}, String(index + 1)),
    element(
      "div",
      {class: "body"},
      element("h3", {}, title, " ", state),
      note,
      element("p", {class: "lesson"}, text),
      details,
    ),
  );
  return {
    node,
    mark: node.firstChild,
    number: String(index + 1),
    state: "pending",
    stateNode: state,
    note,
    details,
    content,
    things: new Map(),
  };
}

function setState(step, state) {
  step.state = state;
  step.node.dataset.state = state;
  say(step.stateNode, STATES[state]);
  step.stateNode.classList.toggle("unseen", !SEEN.includes(state));
  say(step.mark, state === "done" ? "✓" : state === "failed" ? "!" : step.number);
}
