/** The report of *Who am I*, as JSON and as HTML. */

import {endpointText, priorityText} from "./candidate.js";
import {agentName} from "./rehearsal.js";
import {bullets, columns, evidence, pageOf, section, table, timeText} from "./report.js";
import {figureOf} from "./picture.js";

export const SCHEMA = "stunkit/page-whoami/1";
const HEADINGS = ["type", "address", "scope", "transport", "priority"];

/** Return the document of what was found: {began, gathered, found, version}. */
export function identityDocument({began, gathered, found, version}) {
  const of = one => ({
    udp: one.udp,
    seen: one.seen,
    endpoints: one.endpoints,
    nat: one.nat,
    mapping: one.mapping === "depends" ? "depends-on-destination" : one.mapping,
    filtering: one.filtering,
    evidence: one.evidence,
  });
  return {
    schema: SCHEMA,
    stunkit: version,
    began: began.toISOString().replace(/\.\d+Z$/, "Z"),
    seconds: Number(gathered.seconds.toFixed(1)),
    agent: agentName(navigator),
    sentence: found.sentence,
    servers: gathered.servers,
    ipv4: of(found.families.ipv4),
    ipv6: of(found.families.ipv6),
    candidates: gathered.candidates.map(one => ({
      foundation: one.foundation,
      component: one.component,
      transport: one.transport,
      priority: one.priority,
      address: one.address,
      port: one.port,
      type: one.type,
      related_address: one.relatedAddress,
      related_port: one.relatedPort,
      scope: one.scope,
      sdp: one.line,
    })),
    failures: gathered.failures,
  };
}

/** Return the page. */
export function identityHtml({began, gathered, found, version}) {
  const {ipv4, ipv6} = found.families;
  const rows = gathered.candidates.map(one => [
    one.type,
    endpointText(one.address, one.port),
    one.scope,
    [one.transport, one.tcptype].filter(Boolean).join(" "),
    priorityText(one.priority),
  ]);
  return pageOf({
    title: "Who am I",
    outcome: found.outcome,
    kind: found.kind,
    sentence: found.sentence,
    meta:
      `stunkit ${version} in ${agentName(navigator)}, ${timeText(began)}; asked ` +
      `${gathered.servers.join(", ") || "nobody"} in ${gathered.seconds.toFixed(1)} s`,
    picture: figureOf({
      ours: ipv4.udp === "open" ? ipv4 : ipv6,
      outcome: null,
      title: "How the world sees you",
    }),
    parts: [
      columns(
        section("What that means", bullets(found.remarks)),
        section("Facts", table([], factRows(found.facts))),
      ),
      section("Candidates", `<p>${found.ways}</p>`, table(HEADINGS, rows)),
      section("Evidence", evidence(found.evidence)),
    ],
    foot: "Measured by a web page; stunkit nat finds out more from a terminal.",
  });
}

const factRows = facts =>
  facts.flatMap(([family, rows]) => rows.map(([name, value]) => [`${family}: ${name}`, value]));
