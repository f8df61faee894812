/** The report of a rehearsal as HTML. */

import {bullets, columns, evidence, pageOf, section, table, timeText} from "./report.js";
import {endpointText} from "./candidate.js";
import {agentName} from "./rehearsal.js";
import {figureOf} from "./picture.js";
import {scopeOf} from "./scope.js";
import {KINDS, spotText} from "./verdict.js";
import {NAMES} from "./mapping.js";

const HEADINGS = ["end", "type", "address", "scope", "transport"];

/** Return the page of a record; see rehearsal.js. */
export function rehearsalHtml(record) {
  const said = record.toDocument(),
    {verdict, mapping} = record;
  const families = Object.values(mapping ?? {});
  const claims = families.flatMap(one =>
    one.evidence.map(item => ({
      claim: `${NAMES[one.family]}: ${item.claim}`,
      value: wordOf(item.value),
      why: item.why,
    })),
  );
  const used = said.pair?.remote.address.includes(":") ? mapping?.ipv6 : mapping?.ipv4;
  const rows = said.candidates.map(one => [
    one.end === "local" ? "here" : "there",
    one.type,
    endpointText(one.address, one.port),
    scopeOf(one.address),
    one.protocol,
  ]);
  return pageOf({
    title: "Rehearsal",
    outcome: verdict.outcome,
    kind: KINDS[verdict.outcome],
    sentence: verdict.sentence,
    meta:
      `stunkit ${said.stunkit} in ${said.agent || agentName(navigator)}, ${timeText(record.began)}; ` +
      `${said.seconds.toFixed(1)} s`,
    picture: figureOf({
      ours: used ?? families.find(one => one.udp === "open") ?? null,
      outcome: verdict.outcome,
      pair: said.pair,
      title: "The way of the call",
    }),
    parts: [
      columns(
        section("Why", bullets(verdict.reasons)),
        section("What would help", bullets(verdict.changes)),
      ),
      said.pair
        ? columns(
            section("Quality", table([], qualityOf(said))),
            section("Path", table([], pathOf(said))),
          )
        : "",
      section("Candidates", table(HEADINGS, rows)),
      section("Problems", bullets(said.problems)),
      section("Evidence", evidence(claims)),
    ],
    foot: "Measured in a call between two ends; the server carried offer, answer and candidates.",
  });
}

function qualityOf(said) {
  const share = value => (value === null ? "unknown" : `${(100 * value).toFixed(2)} %`);
  const rate = value => (value === null ? "unknown" : `${Math.round(value)} kbit/s`);
  const {rtt_ms: rtt, video} = said;
  return [
    ["Round trip", rtt ? `${rtt.median} ms (median), ${rtt.p95} ms (95th percentile)` : "unknown"],
    ["Loss", `${share(said.loss.received)} received, ${share(said.loss.sent)} sent`],
    ["Jitter", said.jitter_ms === null ? "unknown" : `${said.jitter_ms} ms`],
    ["Bitrate", `${rate(said.kbps.received)} received, ${rate(said.kbps.sent)} sent`],
    [
      "Picture",
      video
        ? `${video.width} × ${video.height}, ${video.frames_decoded} frames decoded`
        : "none seen",
    ],
    ["Chat", `${said.chat.sent} sent, ${said.chat.received} received`],
  ];
}

function pathOf(said) {
  const {local, remote} = said.pair;
  const rows = [
    ["Here", spotText(local)],
    ["There", spotText(remote)],
    ["Transport", local.protocol],
  ];
  if (local.relay_protocol) rows.push(["To the relay", local.relay_protocol]);
  return [
    ...rows,
    ["Connected after", said.connected_after === null ? "unknown" : `${said.connected_after} s`],
  ];
}

const wordOf = value => (value === true ? "yes" : value === false ? "no" : (value ?? "unknown"));
