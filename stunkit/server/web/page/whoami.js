/** The page *Who am I*: it asks, and shows what comes in. */

import {TYPES, endpointText, priorityText} from "./candidate.js";
import {byId, element, replace, say, show} from "./element.js";
import {gather} from "./gathering.js";
import {identify} from "./identity.js";
import {PageError, describe} from "./problem.js";
import {save} from "./report.js";
import {identityDocument, identityHtml} from "./identity_report.js";
import {MEANINGS} from "./scope.js";
import {loadConfig} from "./site.js";

const SLOW = 2500; // milliseconds until silence is worth a word

let config = null;
let last = null; // what was found, for the report

async function run() {
  byId("again").disabled = true;
  const slow = setTimeout(() => {
    say(
      byId("status"),
      "Not all servers have answered yet. The browser goes on asking for some seconds.",
    );
  }, SLOW);
  try {
    config ??= await loadConfig();
    say(byId("version"), config.version && `stunkit ${config.version}.`);
    say(byId("servers"), config.mapping_servers.join(", ") || "nobody");
    await ask();
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    fail(error.code);
  } finally {
    clearTimeout(slow);
    byId("again").disabled = false;
  }
}

async function ask() {
  const began = new Date();
  showVerdict("pending", "Asking", "How does the world see you?", []);
  say(byId("status"), "Asking STUN servers over UDP.");
  const gathered = await gather(config.mapping_servers, {
    onCandidate: (one, {candidates}) => {
      showCandidates(candidates);
      if (one.type === "srflx")
        say(byId("sentence"), `A server sees you as ${one.address}. Asking on.`);
    },
  });
  const found = identify(gathered);
  last = {began, gathered, found, version: config.version};
  showVerdict(found.outcome, found.kind, found.sentence, found.remarks);
  say(
    byId("status"),
    `Asked ${gathered.servers.length || "no"} STUN servers in ${gathered.seconds.toFixed(1)} s.`,
  );
  showCandidates(gathered.candidates);
  say(byId("ways"), found.ways);
  showFacts(found.facts);
  const hides = gathered.candidates.some(one => one.scope === "mdns");
  const canReveal = hides && Boolean(navigator.mediaDevices);
  show(byId("reveal"), canReveal);
  show(byId("reveal-note"), canReveal);
  byId("save-html").disabled = byId("save-json").disabled = false;
}

function fail(code) {
  const {sentence, wayOut} = describe(code);
  showVerdict("unknown", "Unknown", sentence, [wayOut]);
  say(byId("status"), "Nothing could be asked.");
}

function showVerdict(outcome, kind, sentence, remarks) {
  byId("verdict").className = `verdict ${outcome}`;
  byId("kind").className = `kind is-${outcome}`;
  say(byId("kind"), kind);
  say(byId("sentence"), sentence);
  replace(
    byId("remarks"),
    remarks.map(one => element("p", {}, one)),
  );
}

function showCandidates(candidates) {
  const rows = candidates.map(one =>
    element(
      "tr",
      {},
      element("td", {class: `type-${one.type}`}, one.type),
      element("td", {class: "address"}, endpointText(one.address, one.port)),
      element("td", {title: MEANINGS[one.scope]}, one.scope),
      element("td", {class: "more"}, [one.transport, one.tcptype].filter(Boolean).join(" ")),
      element("td", {class: "more"}, priorityText(one.priority)),
    ),
  );
  const none = element("tr", {}, element("td", {colspan: 5, class: "quiet"}, "none"));
  replace(byId("candidates"), rows.length ? rows : none);
  const types = new Set(candidates.map(one => one.type));
  const scopes = new Set(candidates.map(one => one.scope));
  replace(
    byId("words"),
    [
      ...Object.entries(TYPES).filter(([name]) => types.has(name)),
      ...Object.entries(MEANINGS).filter(([name]) => scopes.has(name)),
    ].flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]),
  );
}

function showFacts(facts) {
  replace(
    byId("facts"),
    facts.map(([family, rows]) =>
      element(
        "div",
        {class: "card"},
        element("h3", {}, family),
        element(
          "dl",
          {class: "claims"},
          rows.map(([name, value, why]) =>
            element(
              "div",
              {},
              element("dt", {}, name),
              element("dd", {}, value),
              why && element("dd", {class: "why"}, why),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Have the browser show the device's own addresses, by asking for the microphone. */
async function reveal() {
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({audio: true});
    await run();
  } catch {
    say(byId("status"), "The microphone was not allowed, so the addresses stay hidden.");
  } finally {
    stream?.getTracks().forEach(one => one.stop());
  }
}

byId("again").addEventListener("click", run);
byId("reveal").addEventListener("click", reveal);
byId("save-json").addEventListener("click", () =>
  save("whoami.json", "application/json", `${JSON.stringify(identityDocument(last), null, 2)}\n`),
);
byId("save-html").addEventListener("click", async () =>
  save("whoami.html", "text/html", await identityHtml(last)),
);
say(byId("command"), `stunkit nat ${location.hostname}`);
run();
