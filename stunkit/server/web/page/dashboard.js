/** The dashboard: state, path and figures of a call while it lasts. */

import {endpointText} from "./candidate.js";
import {byId, element, replace} from "./element.js";
import {Plot} from "./plot.js";

const ms = value =>
  value < 1 ? "under 1 ms" : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const percent = value => `${value === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} %`;
const kbps = value =>
  value >= 1000 ? `${(value / 1000).toFixed(1)} Mbit/s` : `${Math.round(value)} kbit/s`;

/** What the states of a connection mean; see caller.js. */
const STATES = {
  new: "waiting for candidates",
  checking: "trying pairs",
  connected: "connected",
  disconnected: "interrupted",
  failed: "failed",
  unkeyed: "a path, but no keys",
  closed: "over",
};

/** The figures of one call. */
export class Dashboard {
  constructor() {
    this.plots = {
      rtt: new Plot({name: "Round trip", format: ms, least: 1, hint: "there and back"}),
      loss: new Plot({name: "Loss", format: percent, least: 1, hint: "of what should arrive here"}),
      jitter: new Plot({name: "Jitter", format: ms, least: 1, hint: "how unevenly it arrives"}),
      received: new Plot({name: "Received", format: kbps, least: 10, hint: "picture, sound, chat"}),
      sent: new Plot({name: "Sent", format: kbps, least: 10, hint: "picture, sound, chat"}),
    };
    byId("figures").replaceChildren(...Object.values(this.plots).map(one => one.node));
  }

  /** Take a sample of the figures, the state, and the pair with its addresses. */
  add(sample, state, pair, outcome) {
    Object.assign(this, {sample, pair, outcome});
    const scaled = (value, factor) => (value === null ? null : value * factor);
    if (sample.pair && !sample.isSoon) {
      this.plots.rtt.add(scaled(sample.rtt, 1000));
      this.plots.loss.add(scaled(sample.lossNow, 100));
      this.plots.jitter.add(scaled(sample.jitter, 1000));
      this.plots.received.add(sample.kbps.received);
      this.plots.sent.add(sample.kbps.sent);
    }
    this.#show(sample, state, pair, outcome);
  }

  /** Say that it is over; what was last known stays. */
  end() {
    if (this.sample) this.#show(this.sample, "closed", this.pair, this.outcome);
  }

  #show(sample, state, pair, outcome) {
    const facts = [["State", STATES[state] ?? state]];
    if (pair) {
      const path = {direct: "direct", relay: "through a relay"}[outcome] ?? "unknown";
      const protocol = pair.local.relay_protocol
        ? `relay over ${pair.local.relay_protocol}`
        : pair.local.protocol;
      facts.push(["Path", `${path}, ${pair.local.type} to ${pair.remote.type}, ${protocol}`]);
      facts.push(["Here", place(pair.local)], ["There", place(pair.remote)]);
    }
    const {video} = sample;
    if (video) {
      facts.push(["Picture", `${video.width} × ${video.height}, ${video.frames_decoded} frames`]);
    }
    replace(
      byId("facts"),
      facts.map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
    );
  }
}

const place = ({address, port}) => (address ? endpointText(address, port) : `hidden, port ${port}`);
