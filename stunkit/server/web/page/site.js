/** The site: what the server says of itself to everybody. */

import {hasWebRTC} from "./gathering.js";
import {PageError} from "./problem.js";

const PATIENCE = 10000; // milliseconds

/** Return the configuration: {version, ice_servers, mapping_servers}. Throws PageError. */
export async function loadConfig() {
  if (!hasWebRTC()) throw new PageError("no-webrtc");
  try {
    const answer = await fetch("/config.json", {signal: AbortSignal.timeout(PATIENCE)});
    if (!answer.ok)
      throw new PageError(answer.status === 429 ? "too-many-requests" : "server-away");
    const {version = "", ice_servers = [], mapping_servers = []} = await answer.json();
    return {version, ice_servers, mapping_servers};
  } catch (error) {
    throw error instanceof PageError ? error : new PageError("server-away");
  }
}

/** Make a room and return its name. Throws PageError. */
export async function makeRoom() {
  let answer;
  try {
    answer = await fetch("/rooms", {method: "POST", signal: AbortSignal.timeout(PATIENCE)});
  } catch {
    throw new PageError("server-away");
  }
  if (answer.status === 429) throw new PageError("too-many-requests");
  if (!answer.ok) throw new PageError("unavailable");
  const {room} = await answer.json().catch(() => ({})); // what is between may answer, too
  if (typeof room !== "string") throw new PageError("server-away");
  return room;
}

/** Return the address of the signalling WebSocket. */
export function signalUrl() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/signal`;
}
