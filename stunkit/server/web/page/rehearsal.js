/**
 * A rehearsal: what this end has seen of one call, until its document is written. Nothing in it
 * touches the page or the network.
 */

import {parseCandidate} from "./candidate.js";
import {Figures, median, percentile95} from "./figures.js";
import {judge} from "./verdict.js";

export const SCHEMA = "stunkit/rehearse/1";
const ORDER = ["waiting", "negotiating", "checking", "connected"];
const MOST_PROBLEMS = 50;

/** What is seen from `begin` of a session to the end of the call. */
export class Rehearsal {
  constructor({version, mapping = null}) {
    Object.assign(this, {version, mapping});
    this.began = new Date();
    this.progress = "waiting"; // the furthest it has come
    this.local = [];
    this.remote = [];
    this.knowsLocal = this.knowsRemote = false;
    this.isDeserted = false;
    this.pair = null;
    this.negotiatedAt = this.connectedAfter = null;
    this.figures = new Figures();
    this.chat = {sent: 0, received: 0};
    this.problems = [];
    this.endedAt = null;
  }

  /** Begin a session: candidates of an earlier one count no more. */
  begin() {
    this.local = [];
    this.remote = [];
    this.knowsLocal = this.knowsRemote = this.isDeserted = false;
    this.negotiatedAt = performance.now();
    if (this.progress !== "connected") this.progress = "negotiating";
  }

  /** Take a message of the protocol, `end` being "local" when we said it. */
  message(end, {type, candidate}) {
    const isLocal = end === "local";
    if (type === "end-of-candidates") this[isLocal ? "knowsLocal" : "knowsRemote"] = true;
    if (type === "candidate") this.candidate(end, candidate);
    if (type === "answer") this.#advance("checking");
  }

  /** Take a candidate of either end, an RTCIceCandidateInit; returns it parsed, or null. */
  candidate(end, init) {
    const {candidate = "", sdpMid = "", usernameFragment = ""} = init?.toJSON?.() ?? init ?? {};
    if (candidate === "") this[end === "local" ? "knowsLocal" : "knowsRemote"] = true;
    const one = parseCandidate(candidate);
    if (one === null) return null;
    const all = this[end];
    const isKnown = all.some(
      other =>
        other.address === one.address &&
        other.port === one.port &&
        other.type === one.type &&
        other.protocol === one.transport,
    );
    if (!isKnown) {
      const shown =
        one.relatedPort > 0 ? `${one.relatedAddress} ${one.relatedPort}` : one.foundation;
      const base = `${sdpMid} ${usernameFragment} ${shown}`; // see verdict.js
      all.push({
        type: one.type,
        protocol: one.transport,
        address: one.address,
        port: one.port,
        base,
      });
    }
    return one;
  }

  /** Take the candidates that a description has in it (half trickle). */
  description(end, sdp) {
    let mid = "";
    for (const line of sdp.split(/\r?\n/)) {
      if (line.startsWith("m=")) mid = line;
      if (line.startsWith("a=candidate:")) this.candidate(end, {candidate: line, sdpMid: mid});
      if (line.startsWith("a=end-of-candidates")) {
        this[end === "local" ? "knowsLocal" : "knowsRemote"] = true;
      }
    }
  }

  /** Take a state of the connection; see caller.js. */
  state(state) {
    if (state === "checking") this.#advance("checking");
    if (state === "connected") {
      this.connectedAfter ??= (performance.now() - this.negotiatedAt) / 1000;
      this.progress = "connected";
    }
    if ((state === "failed" || state === "unkeyed") && this.progress !== "connected") {
      this.progress = state;
    }
  }

  /** Take a report of getStats. */
  stats(report) {
    const sample = this.figures.add(report);
    if (sample.pair) {
      this.pair = {
        local: fill(sample.pair.local, this.local),
        remote: fill(sample.pair.remote, this.remote),
      };
    }
    return sample;
  }

  problem(text) {
    if (this.problems.length < MOST_PROBLEMS && !this.problems.includes(text))
      this.problems.push(text);
  }

  end() {
    this.endedAt ??= new Date();
  }

  get verdict() {
    return judge(this);
  }

  /** The document of the rehearsal, as the terminal end writes it too. */
  toDocument() {
    const {figures, verdict} = this;
    const last = figures.last;
    const bare = ({type, protocol, address, port}) => ({type, protocol, address, port});
    return {
      schema: SCHEMA,
      stunkit: this.version,
      began: this.began.toISOString().replace(/\.\d+Z$/, "Z"),
      seconds: round(((this.endedAt ?? new Date()) - this.began) / 1000, 1),
      end: "browser",
      agent: agentName(navigator),
      outcome: verdict.outcome,
      reasons: verdict.reasons,
      pair: this.pair,
      connected_after: round(this.connectedAfter, 3),
      rtt_ms:
        figures.rtts.length < 2
          ? null
          : {
              median: round(1000 * median(figures.rtts), 2),
              p95: round(1000 * percentile95(figures.rtts), 2),
            },
      loss: {
        sent: round(last?.loss.sent ?? null, 4),
        received: round(last?.loss.received ?? null, 4),
      },
      jitter_ms: figures.jitters.length ? round(1000 * median(figures.jitters), 2) : null,
      kbps: {sent: round(figures.kbps.sent, 1), received: round(figures.kbps.received, 1)},
      video: last?.video ?? null,
      chat: {...this.chat},
      candidates: [
        ...this.local.map(one => ({end: "local", ...bare(one)})),
        ...this.remote.map(one => ({end: "remote", ...bare(one)})),
      ],
      problems: this.problems,
    };
  }

  #advance(progress) {
    if (ORDER.indexOf(progress) > ORDER.indexOf(this.progress)) this.progress = progress;
  }
}

/** Return the name of a browser in two words, such as "Chromium 141". */
export function agentName({userAgent = "", userAgentData = null}) {
  const brand =
    userAgentData?.brands?.find(one => !/not.?a.?brand|chromium/i.test(one.brand)) ??
    userAgentData?.brands?.find(one => one.brand === "Chromium");
  if (brand) return `${brand.brand} ${brand.version}`;
  const known = [
    [/Firefox\/(\d+)/, "Firefox"],
    [/Edg\/(\d+)/, "Edge"],
    [/Chrome\/(\d+)/, "Chromium"],
    [/Version\/(\d+).*Safari/, "Safari"],
  ].find(([pattern]) => pattern.test(userAgent));
  return known ? `${known[1]} ${known[0].exec(userAgent)[1]}` : "a browser";
}

/** Browsers hide addresses in statistics that they show in candidates. */
function fill(spot, known) {
  if (!spot || spot.address) return spot;
  const same = known.filter(
    one => one.port === spot.port && one.type === spot.type && one.protocol === spot.protocol,
  );
  return {...spot, address: same.length === 1 ? same[0].address : ""};
}

function round(value, digits) {
  return value === null || !Number.isFinite(value) ? null : Number(value.toFixed(digits));
}
