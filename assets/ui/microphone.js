// Recording with a microphone: what is said becomes a file of this page, added like any other recording.

import { button, h, notice } from "./core.js";

const KINDS = [["audio/webm;codecs=opus", "webm"], ["audio/ogg;codecs=opus", "ogg"], ["audio/mp4", "m4a"]];
const PIECE_MS = 1000;
const WHY = {
  NotAllowedError: "The browser does not let this page use a microphone. Allow it beside the address, then press Record again.",
  NotFoundError: "No microphone was found. Connect one, then press Record again.",
  NotReadableError: "Another program uses the microphone. Close that, then press Record again.",
};

export function microphone(onRecorded) {
  let recorder = null;
  let timer = null;
  const control = button("Record", () => (recorder ? recorder.stop() : begin()), { hint: "Record with the microphone" });
  const clock = h("span", { class: "ld-dim", role: "timer", hidden: true });
  const region = h("span", { class: "ld-microphone" }, control, clock);
  const stay = (event) => event.preventDefault(); // leaving the page would lose what was said

  async function begin() {
    if (!navigator.mediaDevices || !window.MediaRecorder) {
      notice("Browsers give a microphone only to pages of this computer itself or over https. Record with another program and add the file.", "error");
      return;
    }
    control.disabled = true;
    try {
      start(await navigator.mediaDevices.getUserMedia({ audio: true }));
    } catch (error) {
      notice(WHY[error.name] || "The microphone could not be used. Record with another program and add the file.", "error");
    } finally {
      control.disabled = false;
    }
  }

  function start(stream) {
    const [type, ending] = KINDS.find(([kind]) => MediaRecorder.isTypeSupported(kind)) || ["", "webm"];
    const pieces = [];
    const began = new Date();
    recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
    recorder.ondataavailable = (event) => { if (event.data.size) pieces.push(event.data); };
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      clearInterval(timer);
      window.removeEventListener("beforeunload", stay);
      recorder = null;
      control.textContent = "Record";
      clock.hidden = true;
      if (pieces.length) onRecorded(new File(pieces, `Recording ${stamp(began)}.${ending}`, { type: type.split(";")[0] }));
    };
    recorder.start(PIECE_MS);
    window.addEventListener("beforeunload", stay);
    control.textContent = "Stop recording";
    clock.hidden = false;
    const tell = () => { const s = Math.floor((Date.now() - began) / 1000); clock.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`; };
    tell();
    timer = setInterval(tell, 1000);
  }

  return region;
}

function stamp(date) {
  const two = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}.${two(date.getMinutes())}.${two(date.getSeconds())}`;
}
