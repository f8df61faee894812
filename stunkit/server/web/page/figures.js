/**
 * Figures: what getStats says of a call (W3C WebRTC Statistics), as one sample a second.
 *
 * Rules of this file: what a browser does not say is null, and never 0.
 */

const KEPT = 120; // samples, two minutes
const LEAST = 500; // milliseconds between two of which rates can be told

/** Return a sample of a report; `before` is the one before it, or null. */
export function sampleOf(report, before = null) {
  const all = [...report.values()];
  const of = type => all.filter(one => one.type === type);
  const transport = of("transport").find(one => one.selectedCandidatePairId);
  const pair = transport
    ? report.get(transport.selectedCandidatePairId)
    : of("candidate-pair").find(one => one.selected);
  const inbound = of("inbound-rtp"),
    outbound = of("outbound-rtp");
  const remote = of("remote-inbound-rtp");
  const video = inbound.find(one => one.kind === "video");
  const audio = inbound.find(one => one.kind === "audio");
  const totals = {
    bytesSent: pair?.bytesSent ?? transport?.bytesSent ?? null,
    bytesReceived: pair?.bytesReceived ?? transport?.bytesReceived ?? null,
    received: sum(inbound, "packetsReceived"),
    lost: sum(inbound, "packetsLost"),
    sent: sum(outbound, "packetsSent"),
    lostThere: sum(remote, "packetsLost"),
  };
  const at = pair?.timestamp ?? all[0]?.timestamp ?? null;
  const seconds = before === null ? null : (at - before.at) / 1000;
  const isSame = before !== null && before.pairId === pair?.id;
  return {
    at,
    pairId: pair?.id ?? null,
    pair: pair
      ? {
          local: spotOf(report.get(pair.localCandidateId)),
          remote: spotOf(report.get(pair.remoteCandidateId)),
        }
      : null,
    rtt: pair?.currentRoundTripTime ?? null, // seconds
    jitter: (audio ?? video)?.jitter ?? null, // seconds
    loss: {
      sent: share(totals.lostThere, totals.sent),
      received: share(totals.lost, plus(totals.received, totals.lost)),
    },
    lossNow:
      before === null
        ? null
        : share(
            minus(totals.lost, before.totals.lost),
            plus(
              minus(totals.received, before.totals.received),
              minus(totals.lost, before.totals.lost),
            ),
          ),
    kbps: {
      sent: isSame ? rate(totals.bytesSent, before.totals.bytesSent, seconds) : null,
      received: isSame ? rate(totals.bytesReceived, before.totals.bytesReceived, seconds) : null,
    },
    video:
      video?.framesDecoded === undefined
        ? null
        : {
            frames_decoded: video.framesDecoded,
            width: video.frameWidth ?? 0,
            height: video.frameHeight ?? 0,
          },
    totals,
    pairs: of("candidate-pair").map(one => ({
      state: one.state,
      isSelected: one === pair,
      local: spotOf(report.get(one.localCandidateId)),
      remote: spotOf(report.get(one.remoteCandidateId)),
    })),
  };
}

/** The samples of one connection. */
export class Figures {
  constructor() {
    this.samples = [];
    this.rtts = []; // seconds, one a second while connected
    this.jitters = [];
    this.bytes = {sent: 0, received: 0};
    this.seconds = 0;
  }

  get last() {
    return this.samples.at(-1) ?? null;
  }

  /** Take a report of getStats, and return the sample that it is. */
  add(report) {
    const {last} = this;
    const sample = sampleOf(report, last);
    const isSoon = last !== null && sample.pairId === last.pairId && sample.at - last.at < LEAST;
    if (isSoon) return {...sample, isSoon};
    this.samples.push(sample);
    if (this.samples.length > KEPT) this.samples.shift();
    if (sample.pair === null) return sample;
    if (sample.rtt !== null) this.rtts.push(sample.rtt);
    if (sample.jitter !== null) this.jitters.push(sample.jitter);
    if (sample.kbps.sent !== null && sample.kbps.received !== null) {
      this.seconds += (sample.at - last.at) / 1000;
      this.bytes.sent += sample.totals.bytesSent - last.totals.bytesSent;
      this.bytes.received += sample.totals.bytesReceived - last.totals.bytesReceived;
    }
    return sample;
  }

  /** Kilobits a second over the whole time, {sent, received}; null is unknown. */
  get kbps() {
    const of = bytes => (this.seconds > 0 ? (8 * bytes) / this.seconds / 1000 : null);
    return {sent: of(this.bytes.sent), received: of(this.bytes.received)};
  }
}

/** Return the middle of some numbers, null of none. */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Return the 95th percentile (the nearest rank), null of none. */
export function percentile95(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? null;
}

function spotOf(stat) {
  if (!stat) return null;
  const spot = {
    type: stat.candidateType,
    protocol: stat.protocol ?? "udp",
    address: stat.address || stat.ip || "",
    port: stat.port ?? 0,
  };
  return stat.candidateType === "relay" && stat.relayProtocol
    ? {...spot, relay_protocol: stat.relayProtocol}
    : spot;
}

function sum(stats, name) {
  const known = stats.map(one => one[name]).filter(one => one !== undefined);
  return known.length ? known.reduce((one, other) => one + other, 0) : null;
}

const plus = (one, other) => (one === null || other === null ? null : one + other);
const minus = (one, other) => (one === null || other === null ? null : one - other);
const rate = (now, then, seconds) =>
  now === null || then === null || !(seconds > 0) ? null : (8 * (now - then)) / seconds / 1000;
const share = (part, whole) =>
  part === null || !(whole > 0) ? null : Math.min(Math.max(part, 0) / whole, 1);
