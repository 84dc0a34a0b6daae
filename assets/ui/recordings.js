// Recordings: add one, watch its lines arrive, listen, correct, summarise, ask, export.

import { citations } from "./citations.js";
import { attempt, button, call, dialog, h, icon, memory, progressbar, redraw, save, sendFile } from "./core.js";
import { keys } from "./keys.js";
import { microphone } from "./microphone.js";
import { speechModels } from "./recording_models.js";
import { questions as makeQuestions } from "./recording_questions.js";
import { summary as makeSummary } from "./recording_summary.js";
import { transcript as makeTranscript } from "./recording_transcript.js";
import { strip as makeStrip } from "./strip.js";

const FORMS = [["srt", "SRT"], ["vtt", "VTT"], ["txt", "Text"], ["md", "Markdown"], ["json", "JSON"]];

export async function recordings(root) {
  let state = { rows: [], waiting: [], engines: [] };
  let row = null; // the recording that is open
  const links = citations(root, (cite, from) => lines.play(cite.start_s, from));
  const lines = makeTranscript({ onEdited: () => refresh() });
  const summary = makeSummary({ links, play: lines.play, poll: () => strip.poll() });
  const questions = makeQuestions({ links, poll: () => strip.poll() });

  // Adding
  const file = h("input", { type: "file", accept: "audio/*,video/mp4,video/webm,.wav,.flac,.mp3,.m4a,.ogg,.opus,.webm,.mp4", hidden: true, "aria-label": "Recording", onchange: () => { choose(file.files[0]); file.value = ""; } });
  const chosen = h("p", { class: "ld-chosen" });
  let waiting = null; // the file that was chosen
  const drop = h("div", { class: "ld-drop", role: "group", "aria-label": "Add a recording",
    ondragover: (event) => { event.preventDefault(); drop.classList.add("ld-over"); },
    ondragleave: () => drop.classList.remove("ld-over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("ld-over"); choose(event.dataTransfer.files[0]); } },
    button("Choose a recording", () => file.click(), { icon: "plus" }), file, microphone(choose),
    h("p", {}, "or drop it here: WAV, FLAC, MP3, M4A, OGG, OPUS, WEBM, the sound of MP4"));
  const language = h("input", { class: "ld-field", "aria-label": "Language", placeholder: "detect", maxlength: "3", size: "6" });
  const engine = h("select", { class: "ld-field", "aria-label": "Engine" });
  const whisper = speechModels({ poll: () => strip.poll(), refresh });
  const quality = h("input", { class: "ld-field", "aria-label": "Quality: Whisper size or folder", placeholder: "by this computer" });
  const terms = h("input", { class: "ld-field", "aria-label": "Names and terms", placeholder: "names and terms, with commas" });
  const begin = h("button", { type: "submit", class: "ld-button ld-primary", disabled: true }, "Transcribe");
  const form = h("form", { class: "ld-add-recording", onsubmit: (event) => { event.preventDefault(); add(); } },
    drop, chosen,
    h("label", { class: "ld-label" }, "Names and terms that occur", terms),
    h("details", { class: "ld-more-choices" }, h("summary", {}, "Language, engine, quality"),
      h("label", { class: "ld-label" }, "Language", language),
      h("label", { class: "ld-label" }, "Engine", engine),
      h("label", { class: "ld-label" }, "Quality", quality)),
    h("div", { class: "ld-row" }, h("span", { class: "ld-grow" }), begin), whisper.region);
  const cards = h("div", { class: "ld-cards", role: "list", "aria-label": "Recordings" });
  const side = h("section", { class: "ld-library", "aria-label": "Recordings column" }, h("h2", {}, "Recordings"), form, cards);

  // The open recording
  const top = h("div", { class: "ld-recording-top" });
  const player = lines.player;
  const head = h("div", { class: "ld-recording-head" }, top, player, lines.tools);
  const tabs = h("div", { class: "ld-tabs", role: "tablist", "aria-label": "About this recording" });
  const panels = { Summary: summary.region, Questions: questions.region };
  for (const [name, panel] of Object.entries(panels)) {
    panel.id = `ld-panel-${name}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", name);
    tabs.append(h("button", { type: "button", role: "tab", class: "ld-tab", id: `ld-tab-${name}`, "aria-controls": panel.id, onclick: () => tab(name), onkeydown: (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") { const other = Object.keys(panels).find((n) => n !== name); tab(other); document.getElementById(`ld-tab-${other}`).focus(); }
    } }, name));
  }
  const about = h("section", { class: "ld-about", "aria-label": "Summary and questions" }, tabs, ...Object.values(panels));
  const open_ = h("div", { class: "ld-recording-open", hidden: true }, h("section", { class: "ld-transcript", "aria-label": "Transcript" }, head, lines.region), about);
  const empty = h("div", { class: "ld-empty ld-welcome" }, h("h2", {}, "From a recording to a checked transcript"),
    h("p", {}, "Add a recording. Its words arrive with their times, can be corrected beside the sound, summarised and asked."),
    h("p", { class: "ld-dim" }, "Everything stays on this computer."), h("p", { class: "ld-sample", hidden: true }, button("Try the sample meeting", sample)));
  const main = h("div", { class: "ld-recording" }, empty, open_);

  function tab(name) {
    memory.set("recordingTab", name);
    for (const [other, panel] of Object.entries(panels)) {
      panel.hidden = other !== name;
      const control = tabs.querySelector(`#ld-tab-${other}`);
      control.setAttribute("aria-selected", String(other === name));
      control.tabIndex = other === name ? 0 : -1;
    }
  }

  function choose(given) {
    if (!given) return;
    waiting = given;
    begin.disabled = false;
    chosen.replaceChildren(icon("file"), " ", given.name);
    begin.focus();
  }

  function add() {
    return attempt(async () => {
      if (!waiting) return;
      const given = waiting;
      begin.disabled = true;
      chosen.replaceChildren(`Copying ${given.name}…`);
      const path = await sendFile(given);
      await call("add_recording", { path, name: given.name, language: language.value.trim(), terms: terms.value, engine: engine.value || "auto", quality: quality.value.trim() });
      waiting = null;
      memory.set("recording", null); // the new one opens as soon as it has a transcript
      wanted = true;
      chosen.replaceChildren();
      await refresh();
      strip.poll();
    }).finally(() => { begin.disabled = !waiting; if (waiting) chosen.replaceChildren(waiting.name); });
  }
  let wanted = false;

  function sample() {
    return attempt(async () => { wanted = true; await call("add_sample_recording", { engine: engine.value || "auto" }); await refresh(); strip.poll(); });
  }

  async function refresh() {
    const before = new Set(state.rows.map((one) => one.transcript));
    state = await call("recordings");
    const fresh = state.rows.find((one) => !before.has(one.transcript)); // a short one may be done before it is seen
    if (wanted && fresh) memory.set("recording", fresh.transcript);
    if (fresh || !(state.waiting.length || state.rows.some((one) => one.job !== null))) wanted = false; // or was here before
    let open = state.rows.find((one) => one.transcript === memory.get("recording"));
    if (!open && row) open = state.rows.find((one) => one.source === row.source); // transcribed again: another transcript
    if (!open && !wanted) open = state.rows[0];
    drawCards();
    drawEngines();
    empty.querySelector(".ld-sample").hidden = !state.sample || state.waiting.length > 0;
    await show(open || null);
  }

  function drawEngines() {
    redraw(engine, state.engines, () => [h("option", { value: "auto" }, "The best there is here"), ...state.engines.map((one) => h("option", { value: one.name, disabled: !one.usable }, one.usable ? one.title : `${one.title} (no model here)`))]);
    whisper.update(state.engines);
  }

  function drawCards() {
    redraw(cards, [state.rows.map((one) => [one.transcript, one.name, one.job, one.job_words, one.partial, one.message, one.silent, one.engine_note]), state.waiting, memory.get("recording")], () => [
      ...state.waiting.map(waitingCard),
      ...state.rows.map((one) => {
        const title = h("button", { type: "button", class: "ld-title", "aria-current": String(one.transcript === memory.get("recording")), onclick: () => { memory.set("recording", one.transcript); attempt(refresh); } }, one.name);
        title.dataset.focus = `open-${one.transcript}`;
        const words = one.job !== null ? one.job_words : one.silent || (one.complete ? "Ready" : "Partial");
        return h("div", { class: `ld-card${one.complete && !one.silent ? " ld-ready" : ""}${one.transcript === memory.get("recording") ? " ld-chosen-card" : ""}`, role: "listitem", "aria-label": one.name },
          h("div", { class: "ld-card-top" }, title),
          h("p", { class: "ld-facts" }, `${one.duration} · ${one.lines} ${one.lines === 1 ? "line" : "lines"}`),
          h("span", { class: "ld-state" }, words),
          one.job !== null ? progressbar(one.share, one.job_words, one.name) : null,
          one.message ? h("p", { class: "ld-message" }, icon("warn"), h("span", {}, one.message)) : null);
      })]);
  }

  function waitingCard(one) {
    const bad = ["failed", "interrupted", "stopped"].includes(one.state);
    return h("div", { class: `ld-card${bad ? " ld-failed" : ""}`, role: "listitem", "aria-label": one.name },
      h("strong", {}, one.name),
      bad ? h("p", { class: "ld-message", role: "status" }, icon("warn"), h("span", {}, `${one.message || one.words} ${one.next_step}`)) : [h("span", { class: "ld-state" }, one.words), progressbar(one.share, one.words, one.name)],
      bad && one.code ? h("details", { class: "ld-small" }, h("summary", {}, "Details"), `Code: ${one.code}`) : null,
      bad && one.code !== "unsupported" ? button(one.state === "interrupted" ? "Run again" : "Retry", () => attempt(async () => { await call("retry_recording", { job: one.job }); await refresh(); strip.poll(); })) : null,
      bad ? button(`Dismiss ${one.name}`, () => attempt(async () => { await call("dismiss_recording", { job: one.job }); await refresh(); }), { quiet: true }) : null);
  }

  async function show(next) {
    const other = next?.transcript !== row?.transcript;
    row = next;
    if (row) memory.set("recording", row.transcript);
    empty.hidden = Boolean(row);
    open_.hidden = !row;
    if (!row) return;
    drawTop();
    await lines.show(row);
    if (other) { await summary.show(row); await questions.show(row); }
    else { summary.update(row); questions.update(row); }
  }

  function drawTop() {
    redraw(top, [row.transcript, row.name, row.engine_note, row.rough, row.partial, row.job, row.resume, row.job_words, row.edited, row.warnings, row.message, row.silent], () => {
      const engineName = h("span", { class: "ld-engine" }, row.engine_note);
      const stop = row.job !== null ? button("Stop", () => attempt(async () => { stop.disabled = true; await call("stop", { job: row.job }); strip.poll(); }), { icon: "stop" }) : null;
      if (stop) stop.dataset.focus = "stop-recording";
      const resume = row.resume !== null ? button("Resume", () => attempt(async () => { await call("resume", { transcript: row.resume }); await refresh(); strip.poll(); }), { primary: true }) : null;
      return [
        h("div", { class: "ld-row" }, h("h2", {}, row.name), h("span", { class: "ld-grow" }),
          button("Export", exportIt, { icon: "down" }), button("Transcribe again", again, { quiet: true }), button("Delete", remove, { quiet: true, hint: "Delete this recording" })),
        h("p", { class: "ld-heard" }, "Heard by ", engineName, row.rough ? [" ", h("strong", { class: "ld-rough", title: "Many words are wrong; check them against the sound" }, "rough")] : null, row.language ? h("span", { class: "ld-dim" }, ` · ${row.language}`) : null, row.edited ? h("span", { class: "ld-dim" }, " · corrected by hand") : null),
        row.job !== null ? h("div", { class: "ld-row ld-live-row" }, h("span", { class: "ld-words" }, row.job_words), progressbar(row.share, row.job_words, `Transcribing ${row.name}`), stop) : null,
        resume ? h("div", { class: "ld-row" }, h("p", { class: "ld-flag" }, row.complete ? "A new transcription was stopped; this one stays until it is complete." : `Partial. ${row.partial}`), resume) : null,
        row.silent && !row.message ? h("p", { class: "ld-flag", role: "status" }, `${row.silent} Is it the right file?`) : null,
        row.message ? h("p", { class: "ld-message", role: "status" }, icon("warn"), h("span", {}, row.message)) : null,
        row.warnings.map((text) => h("p", { class: "ld-message" }, icon("warn"), h("span", {}, text))),
      ];
    });
  }

  function exportIt() {
    dialog(`Export ${row.name}`, h("p", {}, "Times, speakers and your corrections as they stand now."), [
      ...FORMS.map(([form_, label]) => [label, () => attempt(async () => { const made = await call("export_transcript", { transcript: row.transcript, form: form_ }); save(made.name, made.text); }), form_ === "srt" ? { primary: true } : {}]),
      ["Cancel", () => true, { quiet: true }]]);
  }

  function again() {
    const pick = h("select", { class: "ld-field", "aria-label": "Engine" }, state.engines.map((one) => h("option", { value: one.name, disabled: !one.usable }, one.usable ? one.title : `${one.title} (no model here)`)));
    const usable = state.engines.filter((one) => one.usable);
    pick.value = (usable.find((one) => one.name !== row.engine) || usable[0])?.name || "";
    const names = h("input", { class: "ld-field", "aria-label": "Names and terms", value: row.terms });
    const size = h("input", { class: "ld-field", "aria-label": "Quality", placeholder: "by this computer" });
    const code = h("input", { class: "ld-field", "aria-label": "Language", placeholder: "detect", maxlength: "3" });
    dialog(`Transcribe ${row.name} again`, h("div", { class: "ld-form" },
      h("p", {}, "The new transcript takes the place of this one when it is complete. Lines and names that you corrected are kept."),
      h("label", { class: "ld-label" }, "Engine", pick), ...state.engines.filter((one) => one.why).map((one) => h("p", { class: "ld-dim" }, one.why)), h("label", { class: "ld-label" }, "Names and terms", names),
      h("label", { class: "ld-label" }, "Language", code), h("label", { class: "ld-label" }, "Quality", size)), [
      ["Transcribe", () => attempt(async () => { await call("transcribe_again", { transcript: row.transcript, engine: pick.value, terms: names.value, language: code.value.trim(), quality: size.value.trim() }); await refresh(); strip.poll(); }), { primary: true }],
      ["Cancel", () => true, { quiet: true }]]);
  }

  function remove() {
    dialog(`Delete ${row.name}?`, h("p", {}, "The sound and its transcript go; answers about it keep their quotes."), [
      ["Delete", () => attempt(async () => { await call("delete_recording", { transcript: row.transcript }); row = null; await refresh(); }), { primary: true }],
      ["Keep", () => true, { quiet: true }]]);
  }

  let stamp = "";
  const strip = makeStrip(async (polled) => {
    const mine = polled.jobs.filter((job) => job.kind === "transcribe" || job.kind === "summarize" || job.kind === "ask");
    const key = polled.library + mine.map((job) => `${job.id}${job.words}`).join();
    if (key !== stamp || state.rows.some((one) => one.job !== null)) {
      stamp = key;
      await refresh();
    }
    await questions.onPoll(polled);
    await summary.onPoll(polled);
    await whisper.onPoll(polled);
  }, () => questions.thread());
  root.append(strip.region, h("div", { class: "ld-columns ld-recordings" }, side, main));
  keys({ question: () => { tab("Questions"); questions.focus(); }, find: () => lines.find(), previous: () => links.step(-1), next: () => links.step(1), escape: () => links.hide() });
  tab(memory.get("recordingTab") === "Questions" ? "Questions" : "Summary");
  await summary.listModels();
  await refresh();
  await attempt(whisper.draw);
  strip.poll();
}
