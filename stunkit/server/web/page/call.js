/**
 * The call, as far as signalling goes: perfect negotiation over the WebSocket of the server. It is the
 * class of `stunkit explain signalling`, word for word; a test holds the two together.
 */

export class Call {
  // connect(pc) is given each new RTCPeerConnection, to add tracks, channels and handlers to it
  constructor(url, room, connect, config = {}) {
    Object.assign(this, {url, room, connect, config, sent: [], wait: 500});
    Object.assign(this, {work: Promise.resolve(), report: console.warn});
    this.token = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))));
    this.open();
  }
  open() {
    const socket = this.socket = new WebSocket(this.url);
    socket.onopen = () => this.write({type: "join", version: 1, room: this.room, ...this.place()});
    socket.onmessage = ({data}) => { // one after the other, whatever takes how long
      this.work = this.work.then(() => this.hear(JSON.parse(data))).catch(this.report);
    };
    socket.onclose = ({reason}) => {
      const isOver = ["no-such-room", "replaced", "expired", "unsupported-version"];
      if (this.over || isOver.includes(reason)) return; // the call itself goes on
      setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, 10000);
    };
  }
  place() { // where we were, to go on from there
    const {token, session, received} = this;
    return session ? {token, session, received} : {token};
  }
  write(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
  say(message) { // kept until we know that it has arrived
    const {session} = this;
    const one = {...message, session, seq: this.sent.length + 1};
    this.sent.push(one);
    this.write(one);
  }
  async hear(message) {
    const {type, session, seq} = message;
    if (type === "joined") {
      Object.assign(this, {token: message.token, polite: message.polite, wait: 500});
      this.iceServers = message.ice_servers;
      if (!message.resumed) this.begin(session, message.peer);
      else for (const one of this.sent.slice(message.received)) this.write(one);
      if (!message.peer) this.end(); // it has left meanwhile
    } else if (type === "peer") {
      if (message.state === "joined") this.begin(session, true);
      if (message.state === "left") this.end();
    } else if (type === "error") {
      this.report(`${message.code}: ${message.reason}`);
    } else if (session === this.session && seq > this.received) {
      this.received = seq;
      await this.negotiate(message);
    }
  }
  begin(session, hasPeer) {
    this.end();
    Object.assign(this, {session, received: 0, sent: [], offering: false, ignoring: false});
    if (!hasPeer) return;
    const pc = this.pc = new RTCPeerConnection({iceServers: this.iceServers, ...this.config});
    const say = message => { if (pc === this.pc) this.say(message); };
    pc.onicecandidate = ({candidate}) =>
      say(candidate?.candidate ? {type: "candidate", candidate} : {type: "end-of-candidates"});
    pc.onnegotiationneeded = async () => {
      if (this.polite && !pc.remoteDescription) return; // the other one begins
      try {
        this.offering = true;
        await pc.setLocalDescription();
        say({type: pc.localDescription.type, sdp: pc.localDescription.sdp});
      } catch (error) {
        this.report(error);
      } finally {
        this.offering = false;
      }
    };
    this.connect(pc);
    if (!this.polite) pc.onnegotiationneeded();
  }
  async negotiate({type, sdp, candidate}) {
    const pc = this.pc;
    if (!pc) return;
    if (type === "candidate" || type === "end-of-candidates") {
      try {
        await pc.addIceCandidate(candidate);
      } catch (error) {
        if (!this.ignoring) throw error;
      }
      return;
    }
    const collides = type === "offer" && (this.offering || pc.signalingState !== "stable");
    this.ignoring = !this.polite && collides;
    if (this.ignoring) return;
    await pc.setRemoteDescription({type, sdp});
    if (type !== "offer") return;
    await pc.setLocalDescription();
    this.say({type: pc.localDescription.type, sdp: pc.localDescription.sdp});
  }
  end() { this.pc?.close(); this.pc = null; }
  leave() { this.over = true; this.write({type: "bye"}); this.socket.close(); this.end(); }
}
