/** The chat: a data channel that both ends have without asking, one text message each. */

/** Characters of a message; what a channel carries anywhere is far more. */
export const MOST = 2000;

const MOST_HELD = 65536; // characters of a message from the other end; more is cut off

/** One channel, of one connection. `changed(isOpen)` and `heard(text)` are told. */
export class Chat {
  constructor(pc, {changed, heard}) {
    this.sent = 0;
    this.received = 0;
    this.channel = pc.createDataChannel("chat", {negotiated: true, id: 0});
    this.channel.onopen = () => changed(true);
    this.channel.onclose = () => changed(false);
    this.channel.onmessage = ({data}) => {
      if (typeof data !== "string") return;
      this.received += 1;
      heard(data.slice(0, MOST_HELD));
    };
  }

  /** Send a message; returns whether it went out. */
  send(text) {
    if (this.channel.readyState !== "open") return false;
    this.channel.send(text);
    this.sent += 1;
    return true;
  }
}
