/**
 * Media: what this end sends. A camera and a microphone where they are wanted, and otherwise a moving
 * picture and a quiet tone made here, so that each end always sends one track of either kind.
 */

import {PageError, codeOfMediaError} from "./problem.js";

const WIDTH = 640,
  HEIGHT = 360; // pixels
const RATE = 15; // frames a second of the synthetic picture
const PITCH = 440; // hertz
const LOUDNESS = 0.03; // of 1
const PIP = 0.12,
  PAUSE = 1.88; // seconds

/** Whether this page may ask for devices at all (a secure context, and a browser that has them). */
export const canAsk = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** The tracks of this end. */
export class Media {
  constructor() {
    this.stream = new MediaStream();
    this.parts = {audio: null, video: null};
    this.synthetic = {audio: null, video: null}; // how to end what is made here
    this.gone = () => {}; // hears that a device is there no more
  }

  /**
   * Have what is wanted: {camera, microphone} are true, false or the id of a device. Returns the
   * code of a problem for each that could not be had; what is synthetic stands in for it.
   */
  async want({camera, microphone}) {
    const problems = new Set();
    for (const [kind, wish] of [
      ["video", camera],
      ["audio", microphone],
    ]) {
      this.#drop(kind);
      let track = null;
      if (wish) {
        try {
          track = await ask(kind, wish);
          track.onended = () => this.gone();
        } catch (error) {
          problems.add(error instanceof PageError ? error.code : codeOfMediaError(error));
        }
      }
      this.parts[kind] = track;
      track ??= kind === "video" ? this.#make(kind) : null; // the tone is made when it is wanted
      if (track) this.stream.addTrack(track);
    }
    return [...problems];
  }

  /** Whether a kind comes from a device. */
  isReal(kind) {
    return this.parts[kind] !== null;
  }

  /** Switch a kind on or off; the other end gets black or silence meanwhile. */
  toggle(kind, isOn) {
    for (const track of this.stream.getTracks()) if (track.kind === kind) track.enabled = isOn;
  }

  /** Have a track of either kind; browsers allow a tone only after a click or a key. */
  complete() {
    if (!this.stream.getAudioTracks().length) this.stream.addTrack(this.#make("audio"));
  }

  /** Give everything back. */
  stop() {
    this.#drop("video");
    this.#drop("audio");
  }

  #drop(kind) {
    for (const track of this.stream.getTracks().filter(one => one.kind === kind)) {
      track.stop();
      this.stream.removeTrack(track);
    }
    this.synthetic[kind]?.();
    this.synthetic[kind] = this.parts[kind] = null;
  }

  #make(kind) {
    const {track, end} = kind === "video" ? makePicture() : makeTone();
    this.synthetic[kind] = end;
    return track;
  }
}

/** Return the devices that can be chosen: {camera: [{id, label}], microphone: [...]}. */
export async function listDevices() {
  const all = canAsk() ? await navigator.mediaDevices.enumerateDevices() : [];
  const of = kind =>
    all
      .filter(one => one.kind === kind && one.deviceId)
      .map(({deviceId, label}) => ({id: deviceId, label}));
  return {camera: of("videoinput"), microphone: of("audioinput")};
}

async function ask(kind, wish) {
  if (!canAsk()) throw new PageError("insecure");
  const size = kind === "video" ? {width: {ideal: 1280}, height: {ideal: 720}} : {};
  const device = wish === true ? size : {...size, deviceId: {exact: wish}};
  const stream = await navigator.mediaDevices.getUserMedia({[kind]: device});
  return stream.getTracks()[0];
}

/** A picture in which one sees that it moves, how smoothly, and how late. */
function makePicture() {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, {width: WIDTH, height: HEIGHT});
  const context = canvas.getContext("2d");
  let frame = 0;
  const draw = () => {
    frame += 1;
    const turn = ((frame / RATE) * Math.PI) / 2;
    context.fillStyle = "#16324f";
    context.fillRect(0, 0, WIDTH, HEIGHT);
    ["#f4f1de", "#e6b655", "#5fa8d3", "#62b58f", "#b56576", "#d1495b"].forEach((color, index) => {
      context.fillStyle = color;
      context.fillRect((index * WIDTH) / 6, HEIGHT - 44, WIDTH / 6, 44);
    });
    context.strokeStyle = "#ffffff";
    context.lineWidth = 6;
    context.beginPath();
    context.arc(WIDTH / 2, 150, 100, turn, turn + 1.5 * Math.PI);
    context.stroke();
    context.fillStyle = "#ffffff";
    context.font = "600 32px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(new Date().toTimeString().slice(0, 8), WIDTH / 2, 161);
    context.font = "20px system-ui, sans-serif";
    context.fillText(`synthetic picture · frame ${frame}`, WIDTH / 2, 284);
  };
  draw();
  const timer = setInterval(draw, 1000 / RATE);
  const [track] = canvas.captureStream(RATE).getVideoTracks();
  return {track, end: () => clearInterval(timer)};
}

/** A short quiet tone every two seconds. */
function makeTone() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  const out = context.createMediaStreamDestination();
  tone.frequency.value = PITCH;
  volume.gain.value = 0;
  tone.connect(volume).connect(out);
  tone.start();
  const pip = () => {
    const now = context.currentTime;
    volume.gain.setTargetAtTime(LOUDNESS, now, 0.01);
    volume.gain.setTargetAtTime(0, now + PIP, 0.02);
  };
  const timer = setInterval(pip, 1000 * (PIP + PAUSE));
  const [track] = out.stream.getAudioTracks();
  return {
    track,
    end: () => {
      clearInterval(timer);
      context.close();
    },
  };
}
