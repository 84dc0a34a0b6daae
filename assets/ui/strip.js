// Running work on every page: polls the server, lists jobs with Stop, tells listeners what changed.

import { announce, attempt, button, call, connection, h, memory, progressbar, redraw } from "./core.js";

const BUSY_MS = 600;
const IDLE_MS = 4000;

export function strip(onPoll, threadOf = () => memory.get("thread")) {
  const list = h("div", { class: "ld-jobs" });
  const lost = h("p", { class: "ld-lost", role: "alert", hidden: true });
  const region = h("section", { class: "ld-strip", "aria-label": "Running work" }, lost, list);
  const quarters = new Map();
  let timer = null;
  let running = false;

  connection.listeners.push((isLost) => {
    lost.hidden = !isLost;
    lost.textContent = isLost ? "The connection was lost. Your work is still running; reconnecting." : "";
  });

  async function poll() {
    clearTimeout(timer);
    if (running) return;
    running = true;
    let busy = connection.lost;
    try {
      const state = await call("poll", { thread: threadOf() });
      busy = state.jobs.length > 0;
      draw(state.jobs);
      await onPoll(state);
    } catch (error) {
      if (!connection.lost) console.error(error);
      busy = true;
    } finally {
      running = false;
      timer = setTimeout(poll, busy ? BUSY_MS : IDLE_MS);
    }
  }

  function draw(jobs) {
    redraw(list, jobs.map((job) => [job.id, job.words, job.share]), () => jobs.map((job) => h("div", { class: "ld-job" },
      h("span", { class: "ld-job-name" }, job.name || job.question || "Work"),
      h("span", { class: "ld-job-words" }, job.words),
      progressbar(job.share, job.words, job.name || job.question || "Work"),
      stopButton(job))));
    for (const job of jobs) {
      const quarter = job.share === null ? 0 : Math.floor(job.share * 4);
      if (!quarters.has(job.id)) announce(`Started: ${job.name || job.question}`);
      else if (quarter > quarters.get(job.id)) announce(`${quarter * 25} percent: ${job.name || job.question}`);
      quarters.set(job.id, quarter);
    }
    for (const id of quarters.keys()) {
      if (!jobs.some((job) => job.id === id)) {
        quarters.delete(id);
        announce("Finished.");
      }
    }
  }

  function stopButton(job) {
    const stop = button(job.state === "queued" ? "Withdraw" : "Stop", () => attempt(async () => {
      stop.disabled = true;
      await call("stop", { job: job.id });
      poll();
    }), { quiet: true, icon: "stop" });
    stop.dataset.focus = `stop-${job.id}`;
    stop.setAttribute("aria-label", `${stop.textContent} ${job.name || job.question}`);
    return stop;
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  return { region, poll };
}
