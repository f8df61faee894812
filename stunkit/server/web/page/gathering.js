/**
 * Gathering: what a browser finds out of itself when it asks STUN servers.
 *
 * All servers are asked from one RTCPeerConnection, so from one socket for each address of this
 * device. What Chromium 156 and Firefox 153 tell of that, and older ones may not:
 *
 * - A server that sees the same as another one adds no candidate.
 * - A server that does not answer is told of by an icecandidateerror (701) once the browser has
 *   given up, after 11 to 13 s (Firefox) or 40 s (Chromium); gathering is not complete before.
 *
 * So gathering that is complete without an error says that each server has answered, though but one
 * of them may show.
 */

import {parseCandidate} from "./candidate.js";

const PATIENCE = 14; // seconds; Firefox has given up by then

/** Whether this browser can gather at all. */
export const hasWebRTC = () => typeof RTCPeerConnection === "function";

/**
 * Ask servers ("stun:HOST:PORT") and return what was found; `onCandidate` hears of each candidate
 * as it comes.
 */
export async function gather(servers, {onCandidate = () => {}, patience = PATIENCE} = {}) {
  const began = performance.now();
  const found = {
    servers: [...servers],
    candidates: [],
    failures: [],
    isComplete: false,
    tellsFailures: "onicecandidateerror" in RTCPeerConnection.prototype,
    seconds: 0,
  };
  const pc = new RTCPeerConnection({iceServers: servers.map(one => ({urls: one}))});
  try {
    await new Promise((done, fail) => {
      const timer = setTimeout(done, 1000 * patience);
      const end = () => {
        clearTimeout(timer);
        done();
      };
      pc.onicecandidate = ({candidate, url}) => {
        const one = candidate && parseCandidate(candidate.candidate, candidate.url || url);
        if (!one) return;
        found.candidates.push(one);
        onCandidate(one, found);
      };
      pc.onicecandidateerror = ({url, errorCode, errorText}) => {
        found.failures.push({url, code: errorCode, text: errorText});
      };
      pc.onicegatheringstatechange = () => {
        found.isComplete = pc.iceGatheringState === "complete";
        if (found.isComplete) setTimeout(end); // an error of the same moment still counts
      };
      pc.createDataChannel("stunkit");
      pc.setLocalDescription().catch(fail);
    });
  } finally {
    pc.close();
  }
  found.seconds = (performance.now() - began) / 1000;
  return found;
}
