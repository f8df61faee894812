/**
 * The lesson: each step of a call, what it is in a few sentences, as the notes on NAT traversal teach
 * it. What it is this time, `steps.js` puts beside it.
 */

export const LESSON = [
  {
    id: "stun",
    title: "STUN",
    text:
      "Your browser asks a STUN server over UDP: from which address do you see me? The answer is " +
      "what the world sees, in front of any NAT.",
  },
  {
    id: "candidate",
    title: "Candidates",
    text:
      "Each address at which an end might be reached is a candidate: its own, the one that STUN " +
      "has shown, and a relay's where there is one. Both ends send theirs to each other as they find them.",
  },
  {
    id: "offer",
    title: "Offer",
    text:
      "One end says in SDP what it would like to send and receive, which codecs it has, and with " +
      "which key it encrypts. It goes to the other end through this server, over WebSocket.",
  },
  {
    id: "answer",
    title: "Answer",
    text:
      "The other end says what of that it takes, in SDP too. Now both know what the call will be, " +
      "but not yet over which path.",
  },
  {
    id: "local",
    title: "Local description",
    text: "What this end has said of itself. Setting it makes the browser begin to gather candidates.",
  },
  {
    id: "remote",
    title: "Remote description",
    text:
      "What the other end has said of itself. With it, the browser knows whose checks to expect " +
      "and whose key to trust.",
  },
  {
    id: "check",
    title: "Checks",
    text:
      "ICE pairs each candidate here with each one there and tries all pairs, by STUN requests " +
      "from end to end. That both send is what opens the NATs and firewalls on both sides.",
  },
  {
    id: "connected",
    title: "Connected",
    text:
      "The best pair that works is selected. Picture, sound and chat go over it, encrypted from " +
      "browser to browser; this server carries none of it.",
  },
];
