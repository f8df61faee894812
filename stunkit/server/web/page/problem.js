/**
 * Problems: what can go wrong, each with a sentence for a person and a way out.
 *
 * `action` names the button that helps: "reload", "again" (join again), "new" (another room),
 * "synthetic" (go on without camera and microphone), or none.
 */

const PROBLEMS = {
  "no-webrtc": [
    "This browser has no WebRTC, or a setting or an extension has switched it off.",
    "Open the page in another browser, or switch it on again.",
  ],
  insecure: [
    "Browsers give cameras and microphones only to pages that came over HTTPS.",
    "Go on with a synthetic picture, or ask who runs this server for its HTTPS address.",
    "synthetic",
  ],
  "server-away": [
    "The server does not answer.",
    "See whether this device is online, and try again.",
    "reload",
  ],
  "too-many-requests": [
    "The server has heard too many requests from your network.",
    "Wait a minute, and try again.",
    "reload",
  ],
  unavailable: ["The server cannot keep rooms at the moment.", "Try again in a minute.", "again"],
  full: [
    "Both seats of this room are taken.",
    "If you were in it a moment ago, wait a minute and join again. Otherwise make a new room.",
    "again",
  ],
  "no-such-room": [
    "There is no such room: it never was, or its time is over.",
    "Make a new one and send its link.",
    "new",
  ],
  expired: ["The room's time is over.", "Make a new one and send its link.", "new"],
  replaced: [
    "This seat was taken over by another window of yours.",
    "Go on there, or join again here.",
    "again",
  ],
  "unsupported-version": [
    "The server speaks another version of the protocol than this page.",
    "Reload the page.",
    "reload",
  ],
  "too-many": ["Too many messages went to the server at once.", "Join again.", "again"],
  "too-slow": [
    "This device did not take what the server sent.",
    "See whether it is online, and join again.",
    "again",
  ],
  "not-joined": ["The server had given this seat away.", "Join again.", "again"],
  "going-away": [
    "The server is being restarted.",
    "It will be back in a moment; this page tries again by itself.",
  ],
  "permission-denied": [
    "The camera or microphone may not be used by this page.",
    "Allow it in the browser's address bar and choose it again, or go on with a synthetic picture and tone.",
    "synthetic",
  ],
  "no-device": [
    "There is no camera or microphone that can be used.",
    "Plug one in and choose it again, or go on with a synthetic picture and tone.",
    "synthetic",
  ],
  "device-gone": [
    "The camera or microphone is gone: it was unplugged, or may not be used any more.",
    "The call goes on without it. Plug it in and rehearse again to use it.",
  ],
  "device-busy": [
    "The camera or microphone is in use by another program.",
    "Close that program and choose it again, or go on with a synthetic picture and tone.",
    "synthetic",
  ],
};

/** Something that went wrong in a way that this page knows. */
export class PageError extends Error {
  constructor(code) {
    super(describe(code).sentence);
    this.code = code;
  }
}

/** Return {code, sentence, wayOut, action} of a code, whatever it is. */
export function describe(code) {
  const [sentence, wayOut, action = null] = PROBLEMS[code] ?? [
    `Something unforeseen has happened (${code}).`,
    "Reload the page.",
    "reload",
  ];
  return {code, sentence, wayOut, action};
}

/** Return the code of what getUserMedia threw. */
export function codeOfMediaError({name}) {
  if (name === "NotAllowedError" || name === "SecurityError") return "permission-denied";
  if (name === "NotReadableError" || name === "AbortError") return "device-busy";
  return "no-device";
}
