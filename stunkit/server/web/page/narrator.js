/** The narrator: lights the steps of a call as they happen, and puts the actual things beside them. */

import {endpointText, parseCandidate} from "./candidate.js";
import {NAMES} from "./mapping.js";
import {spotText} from "./verdict.js";

const WHO = {local: "this end", remote: "the other end"};

/** Tells `steps` what a caller says that has happened. */
export class Narrator {
  constructor(steps) {
    this.steps = steps;
    this.lines = {local: [], remote: []};
  }

  /** Begin a new call; what STUN said before it stays. */
  begin(pc) {
    this.lines = {local: [], remote: []};
    this.steps.reset("stun");
    for (const id of ["offer", "local"]) this.steps.reach(id, "active");
    pc.addEventListener("signalingstatechange", () => this.#describe(pc));
  }

  /** Tell what the measurement before the call has found. */
  measured(gathered, identity) {
    const seen = Object.values(identity.families).filter(one => one.udp === "open");
    const places = seen.flatMap(one => (one.endpoints.length ? one.endpoints : one.seen));
    this.steps.reach(
      "stun",
      seen.length ? "done" : "failed",
      seen.length ? `You are seen as ${places.join(" and ")}.` : "Nobody has answered over UDP.",
    );
    const lines = identity.evidence.map(one => `${one.claim}: ${one.value}\n  ${one.why}`);
    this.steps.show(
      "stun",
      "asked",
      "Asked from one socket",
      gathered.servers.join("\n") || "nobody",
    );
    if (lines.length) this.steps.show("stun", "found", "Found", lines.join("\n"));
  }

  /** Take a message that either end has sent. */
  message(end, {type, sdp, candidate}) {
    if (type === "offer" || type === "answer") {
      this.steps.reach(
        type,
        "done",
        `From ${WHO[end]}, ${sdp.split("\n").length - 1} lines of SDP.`,
      );
      this.steps.show(type, "sdp", `The ${type} of ${WHO[end]}`, sdp);
      if (type === "offer") this.steps.reach("answer", "active");
    }
    if (type === "candidate" && candidate?.candidate) {
      this.lines[end].push(candidate.candidate);
      this.#count("active");
      this.steps.show("candidate", end, `Of ${WHO[end]}`, this.lines[end].join("\n"));
      const one = parseCandidate(candidate.candidate);
      if (end === "local" && one?.type === "srflx") {
        this.steps.reach(
          "stun",
          "done",
          `${NAMES[one.family] ?? "You"}: seen as ${endpointText(one.address, one.port)}.`,
        );
      }
    }
  }

  /** Take a sample of the figures: which pairs are tried. */
  sampled({pairs, pair}) {
    if (!pairs.length) return;
    const lines = pairs.map(
      ({local, remote, state, isSelected}) =>
        `${isSelected ? "*" : " "} ${state}: ${local ? spotText(local) : "?"} - ${remote ? spotText(remote) : "?"}`,
    );
    this.steps.show(
      "check",
      "pairs",
      "Pairs, and what became of each; * is selected",
      lines.join("\n"),
    );
    const works = pairs.filter(one => one.state === "succeeded").length;
    const number = pairs.length === 1 ? "1 pair" : `${pairs.length} pairs`;
    const became = works === 0 ? "none works yet" : works === 1 ? "1 works" : `${works} work`;
    this.steps.reach("check", "active", `${number}, ${became}.`);
    if (pair)
      this.steps.show(
        "connected",
        "pair",
        "The selected pair",
        `${spotText(pair.local)} here\n${spotText(pair.remote)} there`,
      );
  }

  #describe(pc) {
    for (const [id, description] of [
      ["local", pc.localDescription],
      ["remote", pc.remoteDescription],
    ]) {
      if (!description) continue;
      const {type, sdp} = description;
      const lines = sdp.split(/\r?\n/);
      const sections = lines
        .filter(one => one.startsWith("m="))
        .map(one => one.slice(2).split(" ")[0]);
      this.steps.reach(id, "done", `The ${type} of ${WHO[id]}: ${sections.join(", ")}.`);
      const keys = lines.filter(one => /^a=(ice-ufrag|fingerprint|setup|group)|^m=/.test(one));
      this.steps.show(
        id,
        "sdp",
        "What of it counts for the path and the key",
        [...new Set(keys)].join("\n"),
      );
    }
    if (pc.signalingState === "stable") this.steps.reach("check", "active");
  }

  #count(state) {
    const of = end => this.lines[end].length;
    this.steps.reach(
      "candidate",
      state,
      `${of("local")} of this end, ${of("remote")} of the other.`,
    );
    if (of("local") && of("remote")) this.steps.reach("candidate", "done");
  }

  /** Take a state of the connection; see caller.js. */
  state(state) {
    if (state === "checking") this.steps.reach("check", "active");
    if (state === "connected") {
      this.steps.reach("check", "done");
      this.steps.reach("connected", "done");
    }
    if (state === "unkeyed") this.steps.reach("connected", "failed", "DTLS has failed.");
    if (state === "failed") {
      this.steps.reach("check", "failed", "No pair has worked.");
      this.steps.reach("connected", "failed");
    }
  }
}
