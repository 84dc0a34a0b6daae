// Questions about a recording: answers cite times, and a citation plays from there.

import { answerBody, statsLine, whatWasRead } from "./answers.js";
import { attempt, button, call, h, icon, memory, progressbar, redraw } from "./core.js";

export function questions({ links, poll }) {
  let row = null;
  let thread = null;
  let drawn = [];
  const begun = new Set(); // jobs of this page, whose question returns to the box if they fail
  const box = h("textarea", { class: "ld-question", rows: "2", "aria-label": "Question", placeholder: "Ask about this recording", onkeydown: (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) { event.preventDefault(); ask(); }
  } });
  const mode = h("select", { class: "ld-field", "aria-label": "How to read" }, h("option", { value: "single" }, "Single pass"), h("option", { value: "chunked" }, "Chunked"));
  const send = h("button", { type: "submit", class: "ld-button ld-primary" }, icon("send"), "Ask");
  const turns = h("div", { class: "ld-turns", role: "log", "aria-live": "off", "aria-label": "Questions and answers" });
  const running = h("div", { class: "ld-running" });
  const failed = h("div", {});
  const region = h("section", { class: "ld-recording-questions" }, turns, running, failed,
    h("form", { class: "ld-recording-composer", onsubmit: (event) => { event.preventDefault(); ask(); } }, box, h("div", { class: "ld-row" }, mode, h("span", { class: "ld-grow" }), send)));

  function ask() {
    const question = box.value.trim();
    if (!question || send.disabled) return undefined;
    return attempt(async () => {
      send.disabled = true;
      const document_ = await call("recording_document", { transcript: row.transcript });
      const made = await call("ask", { choices: [{ id: document_ }], question, mode: mode.value, thread, model: memory.get("model"), window: memory.get("window"), top_k: memory.get("topK") });
      thread = made.thread;
      begun.add(made.job);
      box.value = "";
      failed.replaceChildren();
      poll();
    }).finally(check);
  }

  function check() { send.disabled = !row || !row.lines; }

  async function show(next) {
    row = next;
    thread = null;
    drawn = [];
    turns.replaceChildren();
    failed.replaceChildren();
    check();
    await load();
  }

  function update(next) { row = next; check(); }

  async function load() {
    const made = await call("questions", { transcript: row.transcript });
    if (made.thread !== null) thread = made.thread;
    for (const turn of made.turns.filter((one) => !drawn.includes(one.id))) {
      drawn.push(turn.id);
      turns.append(h("article", { class: "ld-turn", "aria-label": turn.question }, h("h3", {}, turn.question),
        h("p", { class: "ld-meta" }, `${turn.mode_words} · ${turn.model}`),
        h("div", { class: "ld-answer" }, answerBody(turn, links)), whatWasRead(turn), statsLine(turn)));
    }
    if (!drawn.length) turns.replaceChildren(h("p", { class: "ld-empty" }, "Answers cite the time at which it is said; a citation plays from there."));
    else turns.querySelector(".ld-empty")?.remove();
  }

  async function onPoll(polled) {
    if (!row) return;
    const mine = polled.jobs.filter((job) => job.kind === "ask" && job.thread === thread && thread !== null);
    redraw(running, mine.map((job) => [job.id, job.words, job.text]), () => mine.map((job) => {
      const stop = button(job.state === "queued" ? "Withdraw" : "Stop", () => attempt(async () => { stop.disabled = true; await call("stop", { job: job.id }); poll(); }), { icon: "stop" });
      stop.dataset.focus = `stop-asked-${job.id}`;
      return h("div", { class: "ld-turn ld-live" }, h("h3", {}, job.question), h("p", { class: "ld-words" }, job.words),
        job.stage === "reading" || job.state === "queued" ? progressbar(job.share, job.words, "Reading") : null, job.text ? h("p", { class: "ld-stream" }, job.text) : null, stop);
    }));
    const news = polled.ended.filter((job) => job.result.turn && !drawn.includes(job.result.turn));
    if (thread !== null && news.length) await load();
    for (const job of polled.ended.filter((one) => !one.result.turn && begun.has(one.id))) {
      begun.delete(job.id);
      if (!box.value) box.value = job.question;
      failed.replaceChildren(h("p", { class: "ld-message", role: "status" }, icon("warn"), h("span", {}, `${job.message || "Stopped."} ${job.next_step}`)));
    }
  }

  return { region, show, update, onPoll, focus: () => box.focus(), thread: () => thread };
}
