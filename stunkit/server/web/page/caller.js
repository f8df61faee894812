/**
 * A caller: this end of one call, from joining a room to leaving it. It has the connection, its
 * figures and its record, and tells a view what happens; it shows nothing itself.
 */

import {Chat} from "./chat.js";
import {Rehearsal} from "./rehearsal.js";
import {Session} from "./session.js";

const SAMPLING = 1000; // milliseconds
const GRACE = 3000; // milliseconds that an interruption may mend itself before ICE is restarted
const MOST_RESTARTS = 5; // in a row

/**
 * `view` has signalling(state), waiting(), begun(pc), message(end, message), state(state),
 * sampled(sample), chat(isOpen), heard(text), picture(stream), peer(state), refused(code), over(why).
 */
export class Caller {
  constructor({url, room, media, config, mapping, view}) {
    Object.assign(this, {media, config, view, pc: null, chat: null, isOver: false, restarts: 0});
    Object.assign(this, {hasPeer: false, isPeerLost: false});
    this.record = new Rehearsal({version: config.version, mapping});
    this.session = new Session(url, room, pc => this.#connect(pc), this.#listener());
    this.timer = setInterval(() => this.#sample(), SAMPLING);
  }

  /** Leave for good; `why` is "left" (we did), "deserted" (the other end did) or "lost". */
  async leave(why = "left") {
    if (this.isOver) return;
    this.isOver = true;
    clearInterval(this.timer);
    clearTimeout(this.restart);
    await this.#sample({isLast: true});
    this.record.end();
    this.session.leave();
    this.pc = null;
    this.view.over(why);
  }

  /** Leave at once, as when the page is closed. */
  abandon() {
    clearInterval(this.timer);
    if (!this.isOver) this.session.leave();
  }

  send(text) {
    const isSent = this.chat?.send(text) ?? false;
    if (isSent) this.record.chat.sent += 1;
    return isSent;
  }

  #listener() {
    return {
      signalling: state => {
        if (!this.isOver) this.view.signalling(state);
      },
      joined: ({peer, resumed}) => {
        if (!resumed) {
          this.hasPeer = peer;
          if (!peer) this.view.waiting();
        } else if (this.hasPeer && !peer) {
          this.#onPeer("left"); // meanwhile
        } else if (this.isPeerLost) {
          this.#onPeer("resumed"); // else the server says once more that it is lost
        }
      },
      peer: state => this.#onPeer(state),
      said: message => {
        this.record.message("local", message);
        if (message.sdp) this.record.description("local", message.sdp);
        this.view.message("local", message);
      },
      heard: message => this.#onHeard(message),
      ending: () => this.#sample({isLast: true}),
      problem: text => this.record.problem(text),
      refused: code => {
        this.record.problem(`The server ended the signalling: ${code}.`);
        this.view.refused(code);
        this.#giveUp();
      },
    };
  }

  #onHeard(message) {
    if (message.type === "joined") this.#prepare(message);
    if (message.session !== this.session.session || !(message.seq > this.session.received)) return;
    this.record.message("remote", message);
    if (message.sdp) this.record.description("remote", message.sdp);
    this.view.message("remote", message);
  }

  /** Have the call ask the servers for mappings too: the other end's candidates show the result. */
  #prepare(message) {
    const servers = message.ice_servers ?? this.config.ice_servers;
    const known = new Set(servers.flatMap(one => one.urls));
    const others = this.config.mapping_servers.filter(one => !known.has(one));
    message.ice_servers = others.length ? [...servers, {urls: others}] : servers;
  }

  #onPeer(state) {
    const {record} = this;
    this.isPeerLost = state === "lost";
    const isOpen = !["connected", "failed"].includes(record.progress);
    if (state === "lost") record.isDeserted = isOpen;
    if (state === "resumed") record.isDeserted = false;
    if (state === "left") {
      record.isDeserted = isOpen;
      this.leave("deserted");
    }
    this.view.peer(state);
  }

  #connect(pc) {
    const {record, view} = this;
    this.pc = pc;
    this.hasPeer = true;
    this.isPeerLost = false;
    this.restarts = 0;
    this.state = "new";
    record.begin();
    this.chat = new Chat(pc, {
      changed: isOpen => {
        if (pc === this.pc) view.chat(isOpen);
      },
      heard: text => {
        record.chat.received += 1;
        view.heard(text);
      },
    });
    for (const track of this.media.stream.getTracks()) pc.addTrack(track, this.media.stream);
    const theirs = new MediaStream();
    pc.addEventListener("track", ({track}) => {
      theirs.addTrack(track);
      view.picture(theirs);
    });
    pc.addEventListener("iceconnectionstatechange", () => this.#onState(pc));
    pc.addEventListener("connectionstatechange", () => this.#onState(pc));
    pc.addEventListener("icecandidateerror", ({url, errorCode, errorText}) => {
      if (/^turn/i.test(url ?? "")) {
        record.problem(`The relay ${url} failed: ${errorCode} ${errorText}`.trim());
      }
    });
    view.begun(pc);
  }

  async #onState(pc) {
    const state = stateOf(pc);
    if (pc !== this.pc || state === this.state) return;
    this.state = state;
    const wasConnected = this.record.progress === "connected";
    this.record.state(state);
    clearTimeout(this.restart);
    if (state === "connected") this.restarts = 0;
    if (wasConnected && (state === "disconnected" || state === "failed")) {
      this.restart = setTimeout(() => this.#restartIce(pc), state === "failed" ? 0 : GRACE);
    }
    if (state !== "disconnected") await this.#sample();
    if (pc === this.pc) this.view.state(state);
    this.#giveUp();
  }

  /** End a call that is lost, where nobody carries what would mend it. */
  #giveUp() {
    if (this.session.over && this.state === "failed" && this.record.progress === "connected") {
      this.leave("lost");
    }
  }

  /** Look for another path (RFC 8445 section 9); signalling carries it once that is back. */
  #restartIce(pc) {
    if (pc !== this.pc || this.session.over || this.restarts >= MOST_RESTARTS) return;
    this.restarts += 1;
    this.record.problem("The connection was interrupted, and ICE was restarted.");
    pc.restartIce();
  }

  async #sample({isLast = false} = {}) {
    const {pc} = this;
    if (!pc || pc.connectionState === "closed" || (this.isOver && !isLast)) return;
    const report = await pc.getStats();
    if (pc === this.pc) this.view.sampled(this.record.stats(report), stateOf(pc));
  }
}

/**
 * Return the state of a connection: new, checking, connected, disconnected, failed, or "unkeyed" where
 * ICE has found a path and DTLS failed on it. Chromium calls ICE that has failed without ever having
 * been connected "disconnected", and only the connection as a whole "failed".
 */
export function stateOf({connectionState: whole, iceConnectionState: ice}) {
  const isFound = ice === "connected" || ice === "completed";
  if (whole === "failed") return isFound ? "unkeyed" : "failed";
  if (whole === "connected" || (whole === undefined && isFound)) return "connected";
  if (whole === "disconnected" || ice === "disconnected") return "disconnected";
  return isFound ? "checking" : ice;
}
