/**
 * A candidate: one way to reach an agent (RFC 8445), read from its line (RFC 8839 section 5.1), and
 * the same words for it as on the command line.
 */

import {familyOf, scopeOf} from "./scope.js";

const WAYS = [
  // one, and several
  ["host", "address of this host", "addresses of this host"],
  ["srflx", "as the world sees you", "as the world sees you"],
  ["prflx", "as a peer sees you", "as peers see you"],
  ["relay", "on a relay", "on relays"],
];

/** What each type is, in a sentence. */
export const TYPES = {
  host: "An address of the device itself.",
  srflx: "Server-reflexive: as a STUN server saw the device, in front of its NAT.",
  prflx: "Peer-reflexive: as the other end saw it, found during the checks.",
  relay: "An address that a TURN server lends. It works where nothing else does.",
};

/**
 * Read a candidate's line; `url` is the server that it came of, where the browser tells. Returns
 * null for what is none, such as the empty line that ends them.
 */
export function parseCandidate(line, url = null) {
  const words = line
    .replace(/^a=/i, "")
    .replace(/^candidate:/i, "")
    .split(" ");
  const [foundation, component, transport, priority, address, port, typ, type] = words;
  if (typ?.toLowerCase() !== "typ" || !(type?.toLowerCase() in TYPES)) return null;
  const known = {};
  for (let at = 8; at + 1 < words.length; at += 2) known[words[at].toLowerCase()] ??= words[at + 1];
  return {
    foundation,
    component: Number(component),
    transport: transport.toLowerCase(),
    priority: Number(priority),
    address,
    port: Number(port),
    type: type.toLowerCase(),
    relatedAddress: known.raddr ?? null,
    relatedPort: known.rport === undefined ? null : Number(known.rport),
    tcptype: known.tcptype ?? null,
    url: url || null,
    scope: scopeOf(address),
    family: familyOf(address),
    line,
  };
}

/** Return an address and port as one word. */
export function endpointText(address, port) {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Return a priority taken apart, as the command line shows it. */
export function priorityText(priority) {
  return `${priority >>> 24}|${(priority >>> 8) & 0xffff}|${256 - (priority & 0xff)}`;
}

/** Return in how many ways this host can be reached over UDP. */
export function waysSentence(candidates) {
  const open = candidates.filter(one => one.transport === "udp" && !isRedundant(one, candidates));
  if (!open.length) return "There is no way in which you can be reached.";
  const parts = WAYS.map(([type, one, several]) => {
    const count = open.filter(candidate => candidate.type === type).length;
    return count ? `${count} ${count > 1 ? several : one}` : "";
  }).filter(Boolean);
  const ways = open.length === 1 ? "1 way" : `${open.length} ways`;
  return `You have ${ways} to be reached: ${parts.join(", ")}.`;
}

/** Return whether a host candidate is the same address (RFC 8445 section 5.1.3). */
function isRedundant(one, candidates) {
  return (
    one.type === "srflx" &&
    candidates.some(
      other =>
        other.type === "host" &&
        other.transport === one.transport &&
        other.address === one.address &&
        other.port === one.port,
    )
  );
}
