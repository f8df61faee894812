/** The setup: which camera and microphone are used, with a preview, or none. */

import {byId, element, show} from "./element.js";
import {canAsk, listDevices} from "./media.js";

const KINDS = ["camera", "microphone"];

/** The choice of a person; `media` has what was chosen, `failed(code)` hears what went wrong. */
export class Setup {
  constructor(media, failed) {
    Object.assign(this, {media, failed, work: Promise.resolve(), number: 0});
    for (const kind of KINDS) {
      byId(`use-${kind}`).addEventListener("change", () => this.apply());
      byId(kind).addEventListener("change", () => this.apply());
    }
  }

  /** Have what is chosen; one after the other, however fast somebody clicks. */
  apply() {
    const wish = kind => byId(`use-${kind}`).checked && (byId(kind).value || true);
    const wishes = {camera: wish("camera"), microphone: wish("microphone")};
    const number = ++this.number;
    this.work = this.work.then(() => this.#apply(wishes, number));
    return this.work;
  }

  async #apply(wishes, number) {
    if (number !== this.number) return; // somebody has chosen anew meanwhile
    const problems = await this.media.want(wishes);
    if (number !== this.number) return;
    byId("use-camera").checked = this.media.isReal("video");
    byId("use-microphone").checked = this.media.isReal("audio");
    const ours = byId("ours");
    ours.srcObject = this.media.stream;
    ours.play().catch(() => {}); // a browser that wants a click first shows it then
    await this.#list();
    this.failed(problems[0] ?? null);
  }

  async #list() {
    const devices = await listDevices();
    for (const kind of KINDS) {
      const select = byId(kind),
        chosen = select.value;
      const options = devices[kind].map(({id, label}, index) =>
        element("option", {value: id, selected: id === chosen}, label || `${kind} ${index + 1}`),
      );
      select.replaceChildren(...options);
      show(select, byId(`use-${kind}`).checked && options.length > 1);
    }
  }

  /** Go on without devices. */
  renounce() {
    for (const kind of KINDS) byId(`use-${kind}`).checked = false;
    return this.apply();
  }

  /** Say at once where no device can be had. */
  look() {
    if (canAsk()) return;
    for (const kind of KINDS) byId(`use-${kind}`).disabled = true;
    this.failed("insecure");
  }
}
