/**
 * The verdict of a rehearsal: direct, relay, blocked or unknown, with the evidence that it rests on.
 * It is the one of `stunkit rehearse`, and a test holds the two together; besides, it knows what the
 * measurement of this end's NAT has shown.
 *
 * Rules of this file: correct or unknown. A call that did not connect is blocked only if both ends
 * were there until the end, all candidates were known, and the checks of all pairs failed.
 */

import {endpointText} from "./candidate.js";

/** The words of a report for each outcome. */
export const KINDS = {
  direct: "Connected directly",
  relay: "Connected through a relay",
  blocked: "Did not connect",
  unknown: "Unknown",
};
const TYPES = ["host", "srflx", "prflx", "relay"];

/**
 * Judge {progress, pair, local, remote, knowsLocal, knowsRemote, isDeserted, mapping}. Returns
 * {outcome, sentence, reasons, changes}.
 */
export function judge(seen) {
  if (seen.progress === "connected") return judgePair(seen);
  if (seen.progress === "failed") return judgeFailure(seen);
  if (seen.progress === "unkeyed") {
    return unknown("A path was found, but the two ends did not agree on keys over it (DTLS).");
  }
  if (seen.isDeserted) return unknown("The other end went away before it was decided.");
  if (seen.progress === "waiting") return unknown("Nobody came to the other end.");
  if (seen.progress === "negotiating") {
    return unknown("The two ends did not finish offer and answer.");
  }
  return unknown(
    "The checks were still under way when it ended: neither a pair that works nor all failed.",
  );
}

/** Return an address of a pair or a list, with its type. */
export function spotText({address, port, type}) {
  return `${endpointText(address || "hidden", port)} (${type})`;
}

function judgePair(seen) {
  const {pair, remote} = seen;
  if (!pair) return unknown("It connected, but over which pair of candidates is not known here.");
  const path = `It connected over ${spotText(pair.local)} here and ${spotText(pair.remote)} there.`;
  const [isHere, isThere] = [pair.local, pair.remote].map(one => one.type === "relay");
  if (isHere || isThere) {
    const whose = isHere && isThere ? "both ends" : isHere ? "this end" : "the other end";
    return relayed([path, `It goes through the relay of ${whose}.`]);
  }
  const relays = remote.filter(one => one.type === "relay" && one.port === pair.remote.port);
  if (pair.remote.type === "prflx") {
    // A check from a relay may come before the candidate that says so (RFC 8838 section 11), and
    // browsers hide the addresses of such candidates, so that the port has to do.
    if (!seen.knowsRemote || (relays.length && !pair.remote.address)) {
      return unknown(
        path,
        "The other end's address was learned from its checks, and not all of " +
          "its candidates are known: it may be that of a relay.",
      );
    }
  }
  if (relays.some(one => one.address === pair.remote.address)) {
    return relayed([path, "It goes through the relay of the other end."]);
  }
  return {
    outcome: "direct",
    sentence: "The call connects directly, without a relay.",
    reasons: [path, "No relay is between the two."],
    changes: [],
  };
}

function relayed(reasons) {
  return {
    outcome: "relay",
    sentence: "The call connects, through a relay.",
    reasons,
    changes: [
      "It works; but a relay costs its owner bandwidth, and the call some delay. At each end, " +
        "stunkit preflight tells what would make it direct.",
    ],
  };
}

function judgeFailure(seen) {
  const {local, remote} = seen;
  const failed =
    `The checks failed: ${count(local)} here and ${count(remote)} there, no pair of ` +
    "which worked.";
  const doubts = doubtsOf(seen);
  if (doubts.length) return unknown(failed, ...doubts);
  const [here, there] = [local, remote].map(all => all.some(one => one.type === "relay"));
  const nats = [...mappingHere(seen.mapping), ...mappingThere(remote)];
  if (here || there) {
    const whose = here && there ? "both ends" : here ? "this end" : "the other end";
    return {
      outcome: "blocked",
      sentence: "The call does not connect, not even through a relay.",
      reasons: [
        failed,
        `Not even the relay of ${whose} helped: a firewall may block UDP.`,
        ...nats,
      ],
      changes: [
        "Have the relay reached over TCP or TLS (turns:), and look at it with stunkit preflight --turn.",
      ],
    };
  }
  return {
    outcome: "blocked",
    sentence: "The call does not connect: a relay is needed.",
    reasons: [failed, "Neither end had a relay: a relay (TURN) is needed for this call.", ...nats],
    changes: [
      "Give either end a relay (TURN): a server whose settings name one (web.turn) hands it out.",
      "At each end, stunkit preflight tells what its NAT does, and what would make it direct.",
    ],
  };
}

function doubtsOf(seen) {
  const doubts = [];
  if (seen.isDeserted) doubts.push("The other end went away while it was checked.");
  if (!seen.knowsLocal || !seen.local.length) {
    doubts.push("This end did not find its own candidates.");
  }
  if (!seen.knowsRemote || !seen.remote.length) {
    doubts.push("The other end never told all of its candidates.");
  }
  if (mayBeNeighbours(seen)) {
    doubts.push(
      "The other end hides its local addresses behind mDNS names, and the two may be in " +
        "one network.",
    );
  }
  return doubts;
}

/** Whether a local address that was hidden could have worked. */
function mayBeNeighbours({local, remote}) {
  if (!remote.some(one => /\.local\.?$/i.test(one.address))) return false;
  const [ours, theirs] = [local, remote].map(
    all => new Set(all.filter(one => one.type === "srflx").map(one => one.address)),
  );
  return !ours.size || !theirs.size || [...ours].some(one => theirs.has(one));
}

function mappingHere(mapping) {
  const known = Object.values(mapping ?? {}).filter(one => one.udp === "open");
  if (!known.length) return ["What the NAT here does was not found out."];
  return known.map(({nat, mapping: how, evidence}) => {
    const why = evidence.find(one => one.claim === "mapping").why;
    if (how === "depends") {
      return `The NAT here takes another port for each destination (“symmetric”): ${why}.`;
    }
    if (how === "endpoint-independent") return `The mapping here is endpoint-independent: ${why}.`;
    return nat === false ? "There is no NAT here." : `What the NAT here does is unknown: ${why}.`;
  });
}

/** Say what the other end's candidates tell: two reflexive ones of one base are two ports. */
function mappingThere(remote) {
  const seen = remote.filter(one => one.type === "srflx" && one.protocol === "udp");
  const twins = seen
    .map(one => seen.filter(other => other.base === one.base))
    .find(group => new Set(group.map(one => `${one.address} ${one.port}`)).size > 1);
  if (twins) {
    const places = twins.map(one => endpointText(one.address, one.port)).join(" and as ");
    return [
      "The NAT of the other end takes another port for each destination (“symmetric”): its " +
        `candidates show one socket as ${places}.`,
    ];
  }
  return ["What the NAT of the other end does cannot be seen from here."];
}

function count(spots) {
  const parts = TYPES.map(type => [spots.filter(one => one.type === type).length, type])
    .filter(([number]) => number)
    .map(([number, type]) => `${number} ${type}`);
  const last = parts.pop();
  return parts.length ? `${parts.join(", ")} and ${last}` : (last ?? "no candidate");
}

function unknown(...reasons) {
  return {outcome: "unknown", sentence: reasons[0], reasons, changes: []};
}
