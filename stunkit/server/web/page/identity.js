/**
 * Identity: who the world sees, in one sentence, with the facts below it. The words are those of
 * `stunkit nat` and `stunkit candidates`.
 */

import {waysSentence} from "./candidate.js";
import {NAMES, mappingOf} from "./mapping.js";

const KINDS = {
  direct: "Direct calls are likely",
  relay: "A relay is likely to be needed",
  unknown: "Unknown",
};
const MAPPINGS = {
  "endpoint-independent": "endpoint-independent: one port for all",
  depends: "depends on the destination (“symmetric”)",
  unknown: "unknown",
};

/** Return {outcome, kind, sentence, remarks, facts, evidence, families} of what was gathered. */
export function identify(gathered) {
  const families = mappingOf(gathered);
  const known = Object.values(families).filter(one => one.udp === "open");
  const said = known.length ? seen(known) : silent(gathered);
  const evidence = Object.values(families).flatMap(one =>
    one.evidence.map(item => ({
      ...item,
      value: valueText(item),
      claim: `${NAMES[one.family]}: ${item.claim}`,
    })),
  );
  return {
    ...said,
    kind: KINDS[said.outcome],
    ways: waysSentence(gathered.candidates),
    facts: factsOf(families, gathered),
    evidence,
    families,
  };
}

function seen(known) {
  const outside = known.filter(one => !one.isInside);
  const addresses = (outside.length ? outside : known).flatMap(one => one.seen).join(" and ");
  if (!outside.length) {
    return {
      outcome: "unknown",
      sentence:
        `This server sees you as ${addresses}, from inside your own ` +
        "network. How the world sees you, it cannot tell.",
      remarks: [
        "Calls within this network are likely to be direct. For others, ask a server outside.",
      ],
    };
  }
  const main = outside.find(one => one.family === "ipv4") ?? outside[0];
  const [phrase, outcome, ending] = phraseOf(main);
  const subject = outside.length > 1 ? `; over ${NAMES[main.family]}, ` : ", ";
  const remarks = [];
  if (outcome === "relay") {
    remarks.push(
      "A direct call works with those who let in anybody, or any port of an address " +
        "that they have sent to. Most home routers do not.",
    );
    if (
      main.family === "ipv4" &&
      outside.some(one => one.family === "ipv6" && one.mapping !== "depends")
    ) {
      remarks.push("With somebody who has IPv6 too, a direct call is likely all the same.");
    }
  }
  if (outcome === "direct") {
    remarks.push(
      "How the filter treats strangers is not known here; the mapping is what matters most.",
    );
  }
  return {
    outcome,
    sentence: `The world sees you as ${addresses}${subject}${phrase}${ending}`,
    remarks,
  };
}

/** Return what a family is like, the outcome, and the end of the sentence. */
function phraseOf({nat, mapping, evidence}) {
  if (nat === false) {
    return ["without a NAT", "direct", ": direct calls are likely to work."];
  }
  if (mapping === "endpoint-independent") {
    const words = "one port for all (endpoint-independent mapping)";
    return [
      nat ? `behind a NAT that keeps ${words}` : `with ${words}`,
      "direct",
      ": direct calls are likely to work.",
    ];
  }
  if (mapping === "depends") {
    return [
      "behind a NAT that takes another port for each destination (“symmetric”)",
      "relay",
      ": a call is likely to need a relay.",
    ];
  }
  const why = evidence.find(one => one.claim === "mapping").why;
  return [
    nat ? "behind a NAT" : "perhaps behind a NAT",
    "unknown",
    `. How it maps ports is unknown: ${why}.`,
  ];
}

function silent({servers, failures, isComplete, candidates}) {
  if (!servers.length) {
    return {
      outcome: "unknown",
      sentence:
        "This server names no STUN server, so nobody could be asked how the world sees you.",
      remarks: [],
    };
  }
  const has = candidates.some(one => one.transport === "udp");
  const said = isComplete && failures.length ? "answered over UDP" : "has answered over UDP so far";
  const remarks = [
    "Either UDP is blocked on the way, by a firewall or a VPN, or the STUN server itself cannot be " +
      "reached: a web page cannot tell these apart.",
    has
      ? "Try from another network, such as a phone's hotspot. If it works there, your network " +
        "blocks UDP, and calls need a relay that is reached over TCP or TLS."
      : "The browser has no address for calls at all: a setting or an extension may forbid WebRTC.",
  ];
  return {
    outcome: "unknown",
    sentence: `How the world sees you is unknown: nobody ${said}.`,
    remarks,
  };
}

/** Return [family, [name, value, why]...] for each family: every fact with what it rests on. */
function factsOf(families, gathered) {
  return Object.values(families).map(one => {
    const rows =
      one.udp === "open"
        ? [["seen as", (one.endpoints.length ? one.endpoints : one.seen).join(", "), ""]]
        : [["seen as", "unknown", absence(one, gathered)]];
    const known = one.udp === "open" ? one.evidence : [];
    return [
      NAMES[one.family],
      [...rows, ...known.map(item => [item.claim, valueText(item), item.why])],
    ];
  });
}

function absence({asked}, {isComplete, failures}) {
  if (!asked) return "this server has no address of this family to be asked at";
  return isComplete && !failures.length
    ? "the browser has nothing to ask from in this family"
    : "nobody has answered";
}

function valueText({value}) {
  if (value === true) return "yes";
  if (value === false) return "no";
  return value === null ? "unknown" : (MAPPINGS[value] ?? value);
}
