// The conversation column: questions, running work, answers, the composer.

import { answerBody, statsLine, whatWasRead } from "./answers.js";
import { announce, attempt, button, call, dialog, h, icon, memory, notice, progressbar, redraw, Refused, save } from "./core.js";
import { how } from "./how.js";

export function conversation({ links, onBudget, getBudget, addFiles, refreshLibrary }) {
  let drawn = []; // ids of the turns on the page
  let started = new Set(); // jobs begun here, whose question returns to the box if they fail
  let handled = new Set(memory.get("seen"));
  const remade = new Set(); // jobs that made a stopped answer whole
  let hasCards = false;

  const threads = h("select", { class: "ld-field", "aria-label": "Conversation", onchange: () => open(threads.value ? Number(threads.value) : null) });
  const more = h("div", { class: "ld-more" });
  const turns = h("div", { class: "ld-turns", role: "log", "aria-live": "off", "aria-label": "Questions and answers" });
  const running = h("div", { class: "ld-running" });
  const ended = h("div", { class: "ld-ended" });
  const scroll = h("div", { class: "ld-scroll", tabindex: "0", "aria-label": "Conversation" }, more, turns, running, ended);
  const box = h("textarea", { class: "ld-question", rows: "2", "aria-label": "Question", placeholder: "Ask about the ticked sources", oninput: () => { grow(); onBudget(); }, onkeydown: onKey, onpaste: onPaste });
  const mode = h("select", { class: "ld-field", "aria-label": "How to read", onchange: () => { memory.set("mode", mode.value); check(); } },
    h("option", { value: "single" }, "Single pass"), h("option", { value: "chunked" }, "Chunked"));
  mode.value = memory.get("mode");
  const model = h("select", { class: "ld-field ld-model", "aria-label": "Model" });
  const limits = h("p", { class: "ld-limits" });
  const send = h("button", { type: "submit", class: "ld-button ld-primary" }, icon("send"), "Ask");
  const composer = h("form", { class: "ld-composer", onsubmit: (event) => { event.preventDefault(); ask(); } },
    box, h("div", { class: "ld-row ld-controls" }, mode, model, h("span", { class: "ld-grow" }), send), limits);
  const region = h("section", { class: "ld-talk", "aria-label": "Conversation column" },
    h("div", { class: "ld-talk-top" }, threads, button("New conversation", () => open(null), { quiet: true }),
      button("Export", exportIt, { quiet: true }), button("Delete", remove, { quiet: true, hint: "Delete this conversation" })),
    scroll);

  const grow = () => { box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight + 2, 220)}px`; };

  function onKey(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      ask();
    }
  }

  function onPaste(event) {
    const text = event.clipboardData?.getData("text/plain") || "";
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) { event.preventDefault(); addFiles(files); }
    else if (text.length > 4000) {
      event.preventDefault();
      attempt(async () => {
        await call("add_text", { text, name: `Pasted ${new Date().toLocaleTimeString("en-GB")}.txt`, model: memory.get("model") });
        notice("The long text was added as a source.");
        refreshLibrary();
      });
    }
  }

  async function ask(given) {
    const question = (given?.question ?? box.value).trim();
    if (!question || send.disabled) return;
    send.disabled = true;
    const choices = memory.get("ticks");
    const made = await attempt(async () => {
      try {
        return await call("ask", {
          choices, question, mode: given?.mode || mode.value, thread: memory.get("thread"), model: memory.get("model"),
          window: memory.get("window"), top_k: memory.get("topK"), how: how(), reread: given?.reread || false, continues: given?.continues ?? null,
        });
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "rereads") throw error;
        dialog("Read the sources again?", h("p", {}, error.message), [
          ["Read again", () => { ask({ ...given, question, reread: true, typed: !given }); }, { primary: true }],
          ["Ask in Chunked", () => { ask({ ...given, question, mode: "chunked", typed: !given }); }],
          ["Cancel", () => true, { quiet: true }]]);
        return undefined;
      }
    });
    send.disabled = false;
    if (!made) return;
    started.add(made.job);
    if (!given || given.typed) { box.value = ""; grow(); }
    if (memory.get("thread") !== made.thread) { memory.set("thread", made.thread); await listThreads(); }
    if (given?.continues) { document.dispatchEvent(new Event("longdoc-poll")); return; }
    running.replaceChildren(h("div", { class: "ld-turn" }, h("h3", {}, question), h("p", { class: "ld-words" }, "Starting")));
    running.dataset.drawn = "";
    bottom();
    onBudget();
    document.dispatchEvent(new Event("longdoc-poll"));
  }

  async function listThreads() {
    const rows = await call("threads");
    const mine = memory.get("thread");
    if (mine !== null && !rows.some((row) => row.id === mine)) memory.set("thread", null);
    threads.replaceChildren(h("option", { value: "" }, "New conversation"), ...rows.map((row) => h("option", { value: String(row.id) }, row.title.length > 60 ? `${row.title.slice(0, 59)}…` : row.title)));
    threads.value = memory.get("thread") === null ? "" : String(memory.get("thread"));
    return rows;
  }

  async function open(thread) {
    memory.set("thread", thread);
    drawn = [];
    turns.replaceChildren();
    more.replaceChildren();
    running.replaceChildren();
    running.dataset.drawn = "";
    threads.value = thread === null ? "" : String(thread);
    if (thread !== null) await attempt(loadTurns);
    else empty();
    bottom();
  }

  function empty() {
    if (drawn.length || running.childNodes.length) return;
    turns.replaceChildren(h("div", { class: "ld-welcome" },
      h("h2", {}, "Read the whole thing, then ask"),
      h("p", {}, hasCards ? "Tick sources in the Library, then ask. What was read once is kept for every later question." : "Add a contract, a report, a book or a code base in the Library. LongDoc reads it whole, keeps what it read, and answers with evidence you can open."),
      hasCards ? suggesting() : null,
      h("p", { class: "ld-dim" }, "Nothing leaves this computer unless you choose a model on a server.")));
  }

  // Questions are made on request only: they look through the documents.
  function suggesting() {
    const list = h("div", { class: "ld-suggestions" });
    list.append(button("Suggest questions", () => attempt(async () => {
      const ids = memory.get("ticks").map((tick) => tick.id);
      if (!ids.length) { notice("Tick the sources that you want to ask about."); return; }
      const made = await call("suggestions", { documents: ids });
      list.replaceChildren(...(made.length ? made.map((question) => button(question, () => { box.value = question; grow(); onBudget(); box.focus(); })) : [h("p", { class: "ld-dim" }, "No simple question stands out in these sources.")]));
    })));
    return list;
  }

  async function loadTurns() {
    const made = await call("turns", { thread: memory.get("thread") });
    const fresh = made.turns.filter((turn) => !drawn.includes(turn.id));
    if (!drawn.length) turns.replaceChildren();
    turns.append(...fresh.map(turnElement));
    drawn.push(...fresh.map((turn) => turn.id));
    if (made.more > 0 && !more.childNodes.length && drawn.length) {
      more.replaceChildren(button(`Show ${made.more} earlier`, showEarlier, { quiet: true }));
    }
    if (!drawn.length) empty();
    return fresh.length;
  }

  function showEarlier() {
    attempt(async () => {
      const made = await call("turns", { thread: memory.get("thread"), before: Math.min(...drawn) });
      turns.prepend(...made.turns.map(turnElement));
      drawn.unshift(...made.turns.map((turn) => turn.id));
      more.replaceChildren(...(made.more > 0 ? [button(`Show ${made.more} earlier`, showEarlier, { quiet: true })] : []));
    });
  }

  function turnElement(turn) {
    const other = turn.mode === "single" ? "chunked" : "single";
    const continuing = button("Continue", () => { continuing.disabled = true; ask({ question: turn.question, mode: turn.mode, continues: turn.id }).then(() => { continuing.disabled = false; }); }, { primary: true, hint: "The sources are not read again" });
    return h("article", { class: "ld-turn", "aria-label": turn.question, "data-turn": String(turn.id) },
      h("h3", {}, turn.question),
      h("p", { class: "ld-meta" }, `${turn.mode_words} · ${turn.model}${turn.cached ? ` · already read: ${turn.cached.toLocaleString("en-US")} tokens` : ""}`),
      h("div", { class: "ld-answer" }, answerBody(turn, links)),
      whatWasRead(turn), statsLine(turn),
      h("div", { class: "ld-row ld-turn-actions" }, turn.stopped ? continuing : null,
        button("Copy", async () => { await navigator.clipboard?.writeText(turn.text).catch(() => undefined); announce("Copied."); }, { quiet: true }),
        button("Retry", () => ask({ question: turn.question, mode: turn.mode }), { quiet: true }),
        button("Save as note", () => attempt(async () => {
          const quotes = turn.citations.filter((cite) => cite.quote).map((cite) => `${cite.place}: ${cite.quote}`);
          await call("add_text", { text: [turn.question, turn.text, ...quotes].join("\n\n"), name: `Note, ${turn.question.slice(0, 60)}.txt`, model: memory.get("model") });
          notice("The answer was saved as a source.");
          refreshLibrary();
        }), { quiet: true }),
        button("Ask the other way", () => { memory.set("compareTurn", { turn: turn.id, thread: memory.get("thread"), question: turn.question, mode: turn.mode }); window.location.href = "/compare"; }, { quiet: true, hint: `Compare with ${other === "single" ? "Single pass" : "Chunked"}` })));
  }

  // What the poll brought: running questions of this conversation, and ended ones.
  async function onPoll(state) {
    const thread = memory.get("thread");
    const mine = state.jobs.filter((job) => job.kind === "ask" && job.thread === thread && thread !== null);
    const stick = atBottom();
    for (const job of mine) if (job.continues) job.text = longer(job.text, turns.querySelector(`[data-turn="${job.continues}"] .ld-answer-text`)?.textContent);
    redraw(running, mine.map((job) => [job.id, job.words, job.text, job.state]), () => mine.map((job) => h("div", { class: "ld-turn ld-live" },
      h("h3", {}, job.question),
      h("p", { class: "ld-words" }, job.words),
      job.stage === "reading" || job.state === "queued" ? progressbar(job.share, job.words, "Reading") : null,
      job.text ? h("p", { class: "ld-stream" }, job.text) : null,
      stopButton(job))));
    if (mine.length) { more.hidden = false; if (turns.querySelector(".ld-welcome")) turns.replaceChildren(); }
    const news = state.ended.filter((job) => job.result.turn && !drawn.includes(job.result.turn));
    const wholer = state.ended.filter((job) => job.result.continued && !remade.has(job.id));
    for (const job of wholer) remade.add(job.id);
    if (thread !== null && wholer.some((job) => drawn.includes(job.result.turn))) { drawn = []; turns.replaceChildren(); more.replaceChildren(); await loadTurns(); }
    else if (thread !== null && news.length) await loadTurns();
    const bad = state.ended.filter((job) => !job.result.turn && !handled.has(job.id));
    redraw(ended, bad.map((job) => job.id), () => bad.map(endedElement));
    for (const job of bad) {
      if (started.has(job.id) && !box.value) { box.value = job.question; grow(); onBudget(); }
      started.delete(job.id);
    }
    if (stick && (mine.length || news.length || bad.length)) bottom();
  }

  function endedElement(job) {
    const forget = () => { handled.add(job.id); memory.set("seen", [...handled].slice(-200)); ended.dataset.drawn = ""; document.dispatchEvent(new Event("longdoc-poll")); };
    const words = job.message || { stopped: "Stopped.", interrupted: "LongDoc ended while this was running." }[job.state];
    return h("div", { class: `ld-turn ld-ended-row ld-${job.state}`, role: job.state === "failed" ? "alert" : "status" },
      h("h3", {}, job.question), h("p", { class: "ld-message" }, icon("warn"), h("span", {}, `${words} ${job.next_step}`)),
      job.code ? h("details", { class: "ld-small" }, h("summary", {}, "Details"), `Code: ${job.code}`) : null,
      h("div", { class: "ld-row" }, button(job.state === "interrupted" ? "Run again" : "Ask again", () => { forget(); if (box.value === job.question) { box.value = ""; grow(); } ask({ question: job.question, mode: job.mode }); }), button("Dismiss", forget, { quiet: true })));
  }

  function stopButton(job) {
    const stop = button(job.state === "queued" ? "Withdraw" : "Stop", () => attempt(async () => { stop.disabled = true; await call("stop", { job: job.id }); document.dispatchEvent(new Event("longdoc-poll")); }), { icon: "stop" });
    stop.dataset.focus = `stop-question-${job.id}`;
    return stop;
  }

  // A continued answer begins with the words that were there: they stay in sight until it is past them.
  const longer = (now, before) => (before && (now || "").length < before.length ? before : now);

  const atBottom = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const bottom = () => { scroll.scrollTop = scroll.scrollHeight; };

  function check() {
    const made = getBudget();
    const over = made && made.over > 0 && mode.value === "single";
    send.disabled = Boolean(over) || !memory.get("ticks").length;
    send.title = over ? "The sources are over the window" : memory.get("ticks").length ? "" : "Tick at least one source";
  }

  async function listModels() {
    const made = await call("models");
    const usable = made.rows.filter((row) => row.usable);
    const wanted = memory.get("model");
    const chosen = usable.some((row) => row.name === wanted) ? wanted : made.usual;
    memory.set("model", chosen);
    model.replaceChildren(...made.rows.map((row) => h("option", { value: row.name, disabled: !row.usable }, row.usable ? row.name : `${row.name} (cannot be used)`)));
    model.value = chosen;
    const say = () => {
      const row = made.rows.find((r) => r.name === model.value);
      limits.replaceChildren(row?.remote ? h("strong", {}, "The documents leave this computer: a server reads them. ") : "", row?.note ? `${row.note} ` : row && !row.usable ? `${row.why} ` : "", h("a", { href: "/models" }, "Other models"));
    };
    say();
    model.onchange = () => { memory.set("model", model.value); say(); refreshLibrary(); onBudget(); };
  }

  function exportIt() {
    if (memory.get("thread") === null) { notice("There is no conversation to export yet."); return; }
    const send_ = (form) => () => attempt(async () => { const made = await call("export", { thread: memory.get("thread"), form }); save(made.name, made.text); });
    dialog("Export this conversation", h("p", {}, "Questions, answers, quotes with their places, and all numbers."), [["Markdown", send_("markdown"), { primary: true }], ["JSON", send_("json")], ["Cancel", () => true, { quiet: true }]]);
  }

  function remove() {
    const thread = memory.get("thread");
    if (thread === null) return;
    dialog("Delete this conversation?", h("p", {}, "Its questions and answers go; the sources stay."), [
      ["Delete", async () => { await attempt(async () => { await call("delete_thread", { thread }); await open(null); await listThreads(); }); }, { primary: true }],
      ["Keep", () => true, { quiet: true }]]);
  }

  return {
    region, composer, open, onPoll, check, listThreads, listModels,
    question: () => box.value,
    focus: () => box.focus(),
    async openNew(thread) { memory.set("thread", thread); await listThreads(); await open(thread); document.dispatchEvent(new Event("longdoc-poll")); },
    chunked: () => { mode.value = "chunked"; memory.set("mode", "chunked"); check(); ask(); },
    setHasCards(value) { hasCards = value; if (!drawn.length && turns.querySelector(".ld-welcome")) empty(); },
    stop: () => running.querySelector("button")?.click(),
  };
}
