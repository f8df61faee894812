/** The page *Rehearse*: a room, a call in it, what is seen of it, and what comes of it. */

import {Caller} from "./caller.js";
import {Conversation} from "./conversation.js";
import {Dashboard} from "./dashboard.js";
import {byId, element, replace, say, show} from "./element.js";
import {gather} from "./gathering.js";
import {identify} from "./identity.js";
import {invite} from "./invitation.js";
import {Media} from "./media.js";
import {Narrator} from "./narrator.js";
import {PageError, describe} from "./problem.js";
import {rehearsalHtml} from "./rehearsal_report.js";
import {save} from "./report.js";
import {Setup} from "./setup.js";
import {loadConfig, makeRoom, signalUrl} from "./site.js";
import {Steps} from "./steps.js";
import {KINDS} from "./verdict.js";

const PARTS = {
  // of the page, in each stage
  setup: ["scene", "setup"],
  waiting: ["invitation", "scene", "controls"],
  connecting: ["scene", "controls"],
  connected: ["scene", "controls", "dashboard", "chat"],
  failed: ["ending"],
  ended: ["ending", "dashboard", "chat"],
};
const ALL = new Set(Object.values(PARTS).flat());

const media = new Media();
const setup = new Setup(media, code => (code ? complain(code) : show(byId("notice"), false)));
const narrator = new Narrator(new Steps(byId("steps")));
const conversation = new Conversation(text => caller?.send(text));
let room = /^#[\w-]{1,256}$/.test(location.hash) ? location.hash.slice(1) : "";
let config = null;
let measured = null; // a promise of what is known of this end's NAT
let caller = null;
let dashboard = null;
let stage = "setup";

/** Go to a stage, and say where we are. */
function enter(next, outcome, kind, sentence, remarks = []) {
  stage = next;
  byId("main").dataset.stage = next;
  for (const id of ALL) show(byId(id), PARTS[next].includes(id));
  byId("verdict").className = `verdict ${outcome}`;
  byId("kind").className = `kind is-${outcome}`;
  say(byId("kind"), kind);
  say(byId("sentence"), sentence);
  replace(
    byId("remarks"),
    remarks.map(one => element("p", {}, one)),
  );
}

function complain(code) {
  const {sentence, wayOut, action} = describe(code);
  const actions = {
    reload: ["Reload", () => location.reload()],
    again: ["Join again", join],
    new: ["Make a new room", () => location.assign("/rehearse")],
    synthetic: ["Go on without", () => setup.renounce()],
  };
  const [label, act] = actions[action] ?? [];
  const button = label && element("button", {type: "button", class: "button"}, label);
  button?.addEventListener("click", () => {
    show(byId("notice"), false);
    act();
  });
  byId("notice").replaceChildren(
    element("p", {}, element("strong", {}, sentence), " ", wayOut),
    ...(button ? [button] : []),
  );
  show(byId("notice"));
}

/** Find out what the NAT here does, before there is a call: it explains one that fails. */
async function measure() {
  const gathered = await gather(config.mapping_servers).catch(() => null);
  if (gathered === null) return null;
  const identity = identify(gathered);
  narrator.measured(gathered, identity);
  return identity.families;
}

const view = {
  signalling(state) {
    const texts = {
      open: "",
      lost: "The server is away; a call that is there goes on. Coming back to it.",
      closed: "",
    };
    say(byId("status"), texts[state]);
  },
  waiting() {
    enter("waiting", "pending", "Waiting", "Send the link to the other end, and stay here.");
    invite(room);
  },
  begun(pc) {
    narrator.begin(pc);
    dashboard = new Dashboard();
    say(byId("caption"), "");
    enter(
      "connecting",
      "pending",
      "Connecting",
      "Both ends are here and look for a path to each other.",
    );
    say(byId("status"), "");
  },
  message: (end, message) => narrator.message(end, message),
  state(state) {
    narrator.state(state);
    if (state === "connected") showConnected();
    if (state === "disconnected" && stage === "connected")
      say(
        byId("status"),
        "The connection is interrupted. Waiting a moment, then looking for another path.",
      );
    if (state === "failed" || state === "unkeyed") showFailure();
  },
  sampled(sample, state) {
    const {record} = caller;
    narrator.sampled({...sample, pair: record.pair});
    dashboard?.add(sample, state, record.pair, record.verdict.outcome);
    if (stage === "connected" && byId("verdict").classList.contains("unknown")) showConnected();
  },
  chat: isOpen => conversation.open(isOpen),
  heard: text => conversation.add("They", text),
  picture(stream) {
    const theirs = byId("theirs");
    if (theirs.srcObject !== stream) theirs.srcObject = stream;
    theirs.play().catch(() => {}); // it plays as soon as there is something to play
  },
  peer(state) {
    if (state === "lost")
      say(byId("status"), "The other end has lost the server; it may come back.");
    if (state === "resumed") say(byId("status"), "The other end is back.");
  },
  refused(code) {
    if (stage === "failed") {
      say(byId("status"), describe(code).sentence);
      return;
    }
    if (caller.record.progress === "connected" && stage === "connected") {
      say(byId("status"), `${describe(code).sentence} The call goes on.`);
      return;
    }
    caller.abandon();
    caller = null;
    enter("setup", "pending", "Rehearsal", "This room cannot be entered.");
    complain(code);
  },
  over(why) {
    showEnding("ended");
    dashboard?.end();
    const texts = {
      deserted: "The other end has left.",
      left: "You have left.",
      lost: "The connection is lost, and the room is over: there is no way to look for another path.",
    };
    say(byId("status"), texts[why]);
    for (const id of ["ours", "theirs"]) byId(id).srcObject = null;
    media.stop(); // nobody should have to look whether the camera is still on
    conversation.open(false);
    byId("sentence").focus();
  },
};

function showConnected() {
  const {record} = caller;
  const {outcome} = record.verdict;
  const words = {
    direct: "Connected directly, without a relay.",
    relay: "Connected, through a relay.",
    unknown: "Connected; whether directly or through a relay is not known yet.",
  };
  enter("connected", outcome, "Connected", words[outcome]);
  show(byId("theirs"));
  byId("scene").classList.add("both");
  say(byId("caption"), "");
  say(byId("status"), "");
}

function showFailure() {
  if (caller.record.progress === "connected") {
    say(byId("status"), "The connection is lost. Looking for another path.");
  } else {
    showEnding("failed");
    say(byId("status"), "");
  }
}

function showEnding(next) {
  const {outcome, sentence, reasons, changes} = caller.record.verdict;
  enter(next, outcome, KINDS[outcome], sentence);
  const list = texts => texts.map(one => element("li", {}, one));
  replace(byId("reasons"), list([...reasons, ...caller.record.problems]));
  replace(byId("changes"), list(changes));
  show(byId("changes-part"), changes.length > 0);
  if (caller.record.progress !== "connected")
    for (const id of ["dashboard", "chat"]) show(byId(id), false);
}

async function join() {
  byId("join").disabled = true;
  show(byId("notice"), false);
  try {
    config ??= await loadConfig();
    if (!room) {
      room = await makeRoom();
      history.replaceState(null, "", `#${room}`);
    }
    await setup.work;
    media.complete();
    measured ??= measure();
    enter("connecting", "pending", "Joining", "Going into the room.");
    const mapping = await Promise.race([measured, new Promise(done => setTimeout(done, 3000))]);
    caller = new Caller({url: signalUrl(), room, media, config, mapping, view});
    measured.then(families => {
      if (caller) caller.record.mapping = families;
    });
    byId("sentence").focus({preventScroll: true});
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    enter("setup", "pending", "Rehearsal", "It has not begun.");
    complain(error.code);
  } finally {
    byId("join").disabled = false;
  }
}

function toggle(id, act) {
  byId(id).addEventListener("click", () => {
    const isPressed = byId(id).getAttribute("aria-pressed") !== "true";
    byId(id).setAttribute("aria-pressed", String(isPressed));
    act(isPressed);
  });
}

async function open() {
  if (room) {
    enter("setup", "pending", "Invitation", "You are invited to rehearse a call.", [
      "Choose what the other end sees and hears of you, and join.",
    ]);
    say(byId("join"), "Join");
  } else {
    enter("setup", "pending", "Rehearsal", "Try the call before the call.", [
      "Make a room and send its link. You see whether the two ends connect, over which path, how well, and why.",
    ]);
  }
  await setup.apply();
  setup.look();
  if (!room && location.hash.length > 1) complain("no-such-room"); // it is no name of one
  try {
    config = await loadConfig();
    say(byId("version"), config.version && `stunkit ${config.version}.`);
    measured = measure();
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    byId("join").disabled = error.code === "no-webrtc";
    complain(error.code);
  }
}

byId("join").addEventListener("click", join);
byId("again").addEventListener("click", () => location.reload());
byId("leave").addEventListener("click", () => caller?.leave());
toggle("mute", isOff => media.toggle("audio", !isOff));
toggle("blind", isOff => media.toggle("video", !isOff));
toggle("sound", isOff => {
  byId("theirs").muted = isOff;
});
byId("save-json").addEventListener("click", () =>
  save(
    "rehearsal.json",
    "application/json",
    `${JSON.stringify(caller.record.toDocument(), null, 2)}\n`,
  ),
);
byId("save-html").addEventListener("click", async () =>
  save("rehearsal.html", "text/html", await rehearsalHtml(caller.record)),
);
addEventListener("hashchange", () => location.reload());
addEventListener("pagehide", () => caller?.abandon());
addEventListener("pageshow", ({persisted}) => {
  if (persisted && caller && !caller.isOver) location.reload(); // it was abandoned
});
media.gone = () => {
  if (stage === "setup") setup.apply();
  else if (stage !== "failed") complain("device-gone");
};
open();
