/**
 * Mapping: what a browser's candidates prove of the NAT, family by family, and what they do not.
 *
 * Answers to RFC 4787 section 4.1 in the words of `stunkit explain nat`: two servers saw one socket
 * at one port (endpoint-independent) or at two (it depends on the destination).
 *
 * Rules of this file: correct or unknown. Each claim has its evidence. Which of two servers saw what
 * is not needed: one socket seen at two places proves that the mapping depends; one place proves
 * that it does not only when every server is known to have answered, and they are two addresses.
 */

import {endpointText} from "./candidate.js";
import {familyOf} from "./scope.js";

export const NAMES = {ipv4: "IPv4", ipv6: "IPv6"};
const INSIDE = ["private", "shared", "unique-local", "link-local", "clat", "loopback"];

/** Return {ipv4, ipv6}, what is known of each. */
export function mappingOf(gathered) {
  return {ipv4: look(gathered, "ipv4"), ipv6: look(gathered, "ipv6")};
}

/** Return the host of a server's URI, without brackets. */
export function hostOf(uri) {
  const rest = uri.replace(/^stuns?:/i, "").replace(/\?.*$/, "");
  if (rest.startsWith("[")) return rest.slice(1, rest.indexOf("]"));
  return rest.split(":").length > 2 ? rest.slice(0, rest.lastIndexOf(":")) : rest.split(":")[0];
}

function look(gathered, family) {
  const udp = gathered.candidates.filter(one => one.transport === "udp");
  const seen = udp.filter(one => one.type === "srflx" && one.family === family);
  const hosts = udp.filter(one => one.type === "host" && one.family === family);
  const asked = gathered.servers.filter(one => (familyOf(hostOf(one)) ?? family) === family);
  const isHeard = allAnswered(gathered, asked) && (seen.length > 0 || hosts.length > 0);
  const facts = {family, asked, seen, hosts, isHeard, udp, gathered};
  const nat = natOf(facts);
  const mapping = mappingClaim(facts, nat);
  const shown = seen.length || nat.value !== false ? seen : hosts; // where there is no NAT, both are one
  return {
    family,
    asked: asked.length,
    seen: unique(shown.map(one => one.address)),
    isInside: shown.length > 0 && shown.every(one => INSIDE.includes(one.scope)),
    endpoints: unique(seen.map(one => endpointText(one.address, one.port))),
    udp: seen.length || nat.value === false ? "open" : "unknown",
    nat: nat.value,
    mapping: mapping.value,
    filtering: "unknown",
    evidence: seen.length || hosts.length ? [nat, mapping, FILTERING] : [],
  };
}

const FILTERING = {
  claim: "filtering",
  value: "unknown",
  why: "a web page cannot have a server answer from another address; stunkit nat can",
};

/** Whether it is known that each server has answered; see gathering.js. */
function allAnswered({isComplete, tellsFailures, failures}, asked) {
  const plain = uri => uri.replace(/[[\]]/g, "").replace(/\?.*$/, "").toLowerCase();
  const isFailed = asked.some(one => failures.some(({url}) => plain(url ?? "") === plain(one)));
  const isNameless = failures.some(({url}) => !url);
  return asked.length > 0 && isComplete && tellsFailures && !isFailed && !isNameless;
}

function natOf({seen, hosts, isHeard, udp, family}) {
  const claim = "NAT";
  const shown = seen.filter(hasBase);
  if (shown.length) {
    const [one] = shown;
    const base = endpointText(one.relatedAddress, one.relatedPort);
    const mapped = endpointText(one.address, one.port);
    const value = shown.some(isTranslated);
    const why = value ? `${base} was seen as ${mapped}` : `${base} was seen as it is`;
    return {claim, value, why};
  }
  if (!seen.length && hosts.length && isHeard) {
    return {claim, value: false, why: "each server saw the device's own address and port"};
  }
  if (seen.length > 1 && oneBase(seen, udp, family)) {
    return {
      claim,
      value: true,
      why: "one socket was seen at two places; one of them at least is" + " not its own",
    };
  }
  const why = seen.length
    ? "the browser hides the device's own addresses from pages"
    : "nobody has said how he sees this device";
  return {claim, value: null, why};
}

function mappingClaim(facts, nat) {
  const {seen, udp, asked, isHeard, family, gathered} = facts;
  const unknown = why => ({claim: "mapping", value: "unknown", why});
  if (nat.value === false) return unknown("there is no NAT that could map anything");
  if (!seen.length) return unknown("no server has said how it sees this device");
  if (
    seen.some(one => INSIDE.includes(one.scope)) !== seen.every(one => INSIDE.includes(one.scope))
  ) {
    return unknown("one server stands inside the network, another outside");
  }
  const groups = byBase(seen, udp, family);
  if (groups === null) return unknown("the browser hides which answers belong to one socket");
  const split = groups.find(group => places(group).length > 1);
  if (split) {
    return {
      claim: "mapping",
      value: "depends",
      why: `one socket was seen as ${places(split).join(" and as ")} by different servers`,
    };
  }
  const hosts = unique(asked.map(hostOf));
  if (hosts.length < 2) return unknown("there is but one server address to ask");
  if (!hosts.every(familyOf)) {
    return unknown("whether the names of the servers are two addresses cannot be told from a page");
  }
  if (!isHeard) return unknown(silence(gathered, hosts));
  return {
    claim: "mapping",
    value: "endpoint-independent",
    why: `${hosts.join(" and ")} both answered and saw ${places(seen).join(", ")}`,
  };
}

function silence({failures, tellsFailures, isComplete}, hosts) {
  if (isComplete && !tellsFailures)
    return "this browser does not tell whether both servers answered";
  if (isComplete && failures.length) return "but one of the servers answered";
  return `${hosts.length} servers were asked, and not all are known to have answered`;
}

/** Return the reflexive candidates of each socket, or null where that cannot be told. */
function byBase(seen, udp, family) {
  if (oneBase(seen, udp, family)) return [seen];
  const key = seen.every(hasBase)
    ? one => endpointText(one.relatedAddress, one.relatedPort)
    : seen.every(one => seen.some(other => other !== one && other.foundation === one.foundation))
      ? one => one.foundation
      : null; // Chromium's is one for each address of the device
  if (key === null) return null;
  return [...new Set(seen.map(key))].map(value => seen.filter(one => key(one) === value));
}

/** Whether all of them came of one socket, as far as the candidates show. */
function oneBase(seen, udp, family) {
  if (seen.length === 1) return true;
  if (seen.every(hasBase)) {
    return unique(seen.map(one => endpointText(one.relatedAddress, one.relatedPort))).length === 1;
  }
  if (unique(seen.map(one => one.foundation)).length === 1) return true;
  const hosts = udp.filter(one => one.type === "host" && (one.family ?? family) === family);
  const others = udp.some(one => one.type === "srflx" && one.family !== family) ? 1 : 0;
  const hidden = hosts.filter(one => one.scope === "mdns").length; // of both families
  return hosts.length > 0 && hosts.length - Math.min(hidden, others) === 1;
}

const hasBase = one =>
  one.relatedPort > 0 && !/^\[?(0\.0\.0\.0|::)\]?$/.test(one.relatedAddress ?? "");
const isTranslated = one => one.relatedAddress !== one.address || one.relatedPort !== one.port;
const places = group => unique(group.map(one => endpointText(one.address, one.port)));
const unique = values => [...new Set(values)];
