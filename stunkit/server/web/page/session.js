/**
 * A session of the page: the call, which tells of everything that happens in it.
 *
 * It reports, and changes nothing of what is said: the logic stays that of `Call`.
 */

import {Call} from "./call.js";

/** Codes with which the server ends a connection for good. */
const FINAL = ["no-such-room", "replaced", "expired", "unsupported-version", "full"];

/**
 * `listener` has signalling(state), joined(message), peer(state), said(message), heard(message) (first
 * of all, so that it may add to what a message says),
 * began(), ending() (awaited, while the connection is still open), problem(text), refused(code).
 */
export class Session extends Call {
  constructor(url, room, connect, listener) {
    super(url, room, connect);
    this.listener = listener;
    this.report = error => listener.problem(String(error?.message ?? error));
  }

  open() {
    super.open();
    const {socket} = this;
    let fault = null;
    socket.addEventListener("open", () => this.listener.signalling("open"));
    socket.addEventListener("message", ({data}) => {
      const message = JSON.parse(data);
      if (message.type === "error" && message.final) fault = message.code;
    });
    const retry = socket.onclose;
    socket.onclose = event => {
      const code = event.reason || fault;
      if (this.over || !FINAL.includes(code)) {
        this.listener.signalling(this.over ? "closed" : "lost");
        retry(event);
        return;
      }
      this.over = true;
      this.listener.refused(code);
    };
  }

  async hear(message) {
    this.listener.heard(message);
    const isNew = message.type === "peer" && message.state === "joined";
    const isOver = message.state === "left" || (message.type === "joined" && !message.peer);
    if ((isNew || isOver) && this.pc) await this.listener.ending();
    await super.hear(message);
    if (message.type === "joined") this.listener.joined(message);
    if (message.type === "peer") this.listener.peer(message.state);
  }

  say(message) {
    super.say(message);
    this.listener.said(message);
  }
}
