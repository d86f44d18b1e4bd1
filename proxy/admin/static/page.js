// What a page does by itself: starts come in as they are recorded, progress and traffic are asked for again. Every text
// gets into the page as text (textContent), never as HTML. Without script all pages show the same, once.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const NONE = "-";
// Rows that a page left open for days would gather; what is older is on the next page.
const ROWS = 500;
// What a page asks for by itself keeps no session alive.
const BY_ITSELF = { Accept: "application/json", "X-Startgate-Background": "1" };

const TONES = {
  good: ["granted", "allowed", "success", "loaded", "writable", "sound", "up", "started", "stopped"],
  bad: ["denied", "failed", "failure", "damaged", "failing", "stalled", "down", "refused"],
  warn: ["unknown", "open", "running"],
};

function tone(word) {
  return Object.keys(TONES).find((name) => TONES[name].includes(word)) || "plain";
}

function clock(time) {
  return time.slice(0, 19).replace("T", " ");
}

function took(ms) {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60000)} min`;
}

function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function names(cell, list) {
  for (const name of list.slice(0, 3)) cell.append(element("code", name), " ");
  if (list.length > 3) cell.append(element("span", `and ${list.length - 3} more`, "dim"));
}

function badge(cell, word) {
  cell.append(word ? element("span", word, `badge ${tone(word)}`) : NONE);
}

function filled(start) {
  const row = $("#row").content.firstElementChild.cloneNode(true);
  const [time, verdict, job, user, sources, destination, status, duration, ended] = row.children;
  row.dataset.receipt = start.receipt;
  time.firstElementChild.dateTime = start.time;
  time.firstElementChild.textContent = clock(start.time);
  verdict.replaceChildren();
  badge(verdict, start.verdict);
  job.firstElementChild.href = `/starts/${encodeURIComponent(start.receipt)}`;
  job.firstElementChild.textContent = start.job;
  user.append(start.user);
  if (start.secondary) user.append(" ", element("span", `for ${start.secondary}`, "dim"));
  names(sources, start.sources);
  if (start.destination) destination.append(element("code", start.destination));
  status.textContent = start.status === null ? NONE : start.status;
  duration.textContent = took(start.duration_ms);
  badge(ended, start.ended);
  return row;
}

function put(start) {
  const body = $("#starts tbody");
  const old = body.querySelector(`[data-receipt="${CSS.escape(start.receipt)}"]`);
  const row = filled(start);
  if (old) {
    old.replaceWith(row);
    return;
  }
  $("tr.empty", body)?.remove();
  row.classList.add("fresh");
  const after = [...body.children].find((one) => $("time", one).dateTime <= start.time);
  body.insertBefore(row, after || null);
  while (body.children.length > ROWS) body.lastElementChild.remove();
  const matching = $("#matching");
  matching.textContent = Number(matching.textContent) + 1;
}

// A start that is asked for no longer, such as one that is open no more.
function drop(receipt) {
  const row = $(`#starts tbody [data-receipt="${CSS.escape(receipt)}"]`);
  if (!row) return;
  row.remove();
  const matching = $("#matching");
  matching.textContent = Number(matching.textContent) - 1;
}

function switched(box, begin, end) {
  const button = $("button", box);
  const turn = (on) => {
    button.setAttribute("aria-pressed", String(on));
    if (on) begin();
    else end();
  };
  button.addEventListener("click", () => turn(button.getAttribute("aria-pressed") !== "true"));
  box.hidden = false;
  turn(true);
}

function told(box, text, on) {
  box.classList.toggle("on", on);
  $(".live-text", box).textContent = text;
}

function liveStarts(box) {
  let source = null;
  // Where the list ends and what was told last: nothing is missed before the feed begins, or while it is held.
  let last = box.dataset.last;
  const take = (event) => {
    last = event.lastEventId || last;
    return JSON.parse(event.data);
  };
  const begin = () => {
    const address = new URL(box.dataset.feed, location);
    if (last) address.searchParams.set("last", last);
    source = new EventSource(address);
    source.onopen = () => told(box, "new starts appear here", true);
    source.addEventListener("start", (event) => put(take(event)));
    source.addEventListener("gone", (event) => drop(take(event).receipt));
    // More was missed than the server keeps: what is shown is no longer all there is.
    source.addEventListener("reset", () => location.reload());
    source.onerror = () => told(box, source.readyState === EventSource.CLOSED ? "ended; load the page again" : "connecting again", false);
  };
  const end = () => {
    source.close();
    told(box, "paused", false);
  };
  switched(box, begin, end);
  window.addEventListener("pagehide", () => source.close());
}

function phases(box, now) {
  const parts = [element("p", now.node ? `${now.state} on node ${now.node}` : now.state)];
  if (now.failure) parts.push(element("p", now.failure, "reason"));
  for (const [name, percent] of now.phases) {
    const line = element("div", "", "phase");
    const bar = document.createElement("progress");
    bar.max = 100;
    bar.value = percent;
    bar.setAttribute("aria-label", name.replaceAll("_", " "));
    line.append(element("span", name.replaceAll("_", " ")), bar, element("span", `${percent} %`, "number"));
    parts.push(line);
  }
  box.replaceChildren(...parts);
}

async function follow(box) {
  const answer = await fetch(box.dataset.progress, { headers: BY_ITSELF });
  const now = await answer.json();
  if (!answer.ok) {
    box.replaceChildren(element("p", [now.reason, now.hint].filter(Boolean).join(" "), "none"));
    return;
  }
  phases(box, now);
  if (!["stopped", "failed"].includes(now.state)) setTimeout(() => follow(box), 2000);
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"];

function sized(value) {
  let step = 0;
  while (value >= 1024 && step < SIZES.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${value.toFixed(step && value < 100 ? 1 : 0)} ${SIZES[step]}`;
}

function shown(value, unit) {
  if (value === null || value === undefined) return NONE;
  if (unit.startsWith("bytes")) return sized(value) + unit.slice(5);
  if (unit === "ms") return took(value);
  return `${value < 10 ? +value.toFixed(2) : Math.round(value)}${unit === "1" ? "" : ` ${unit}`}`;
}

// The unit stands in the heading; a label has little room.
function short(value, unit) {
  return unit.startsWith("bytes") ? sized(value) : shown(value, unit === "ms" ? "ms" : "1");
}

function utc(time, seconds) {
  return new Date(time * 1000).toISOString().slice(11, seconds ? 19 : 16);
}

const COLOURS = ["#2f7ed8", "#c9562c", "#2a9d66", "#8e5bc0", "#b88a00", "#d0407a", "#5b7a99", "#7a9a2e"];
const drawn = new Map();

// The largest of those that have been anything but zero: more lines than colours could not be told apart.
function worth(plot) {
  const peak = (one) => Math.max(0, ...one.values);
  const largest = plot.series.filter((one) => peak(one) > 0).sort((one, other) => peak(other) - peak(one));
  const chosen = new Set(largest.slice(0, COLOURS.length));
  return plot.series.filter((one) => chosen.has(one));
}

function draw(plot) {
  const figure = document.querySelector(`[data-plot="${CSS.escape(plot.id)}"]`);
  if (!figure) return;
  const box = $(".canvas", figure);
  const series = worth(plot);
  const data = [plot.times, ...series.map((one) => one.values)];
  const known = drawn.get(plot.id);
  const labels = series.map((one) => one.name).join("\n");
  if (known && known.labels === labels) {
    known.chart.setData(data);
    return;
  }
  known?.chart.destroy();
  drawn.delete(plot.id);
  if (!series.length) {
    box.replaceChildren(element("p", "nothing so far", "none"));
    return;
  }
  box.replaceChildren();
  const style = getComputedStyle(document.body);
  const ink = style.getPropertyValue("--dim");
  const grid = { stroke: style.getPropertyValue("--line"), width: 1 };
  const chart = new uPlot(
    {
      width: box.clientWidth,
      height: 160,
      cursor: { y: false },
      axes: [
        { stroke: ink, grid, values: (_, ticks) => ticks.map((tick) => utc(tick, ticks[1] - ticks[0] < 60)) },
        { stroke: ink, grid, size: 68, values: (_, ticks) => ticks.map((tick) => short(tick, plot.unit)) },
      ],
      series: [
        { label: "UTC", value: (_, time) => (time === null ? NONE : utc(time, true)) },
        ...series.map((one, at) => ({
          label: one.name,
          stroke: COLOURS[at % COLOURS.length],
          width: 1.5,
          spanGaps: false,
          points: { show: false },
          value: (_, value) => shown(value, plot.unit),
        })),
      ],
      legend: { live: true },
    },
    data,
    box,
  );
  drawn.set(plot.id, { chart, labels });
}

function tiles(now) {
  const texts = {
    requests: shown(now.requests_per_s, "1/s"),
    in: shown(now.bytes_in_per_s, "bytes/s"),
    out: shown(now.bytes_out_per_s, "bytes/s"),
    errors: shown(now.errors_per_s, "1/s"),
    flight: String(now.in_flight),
    clients: String(now.client_connections),
  };
  for (const tile of document.querySelectorAll("[data-tile]")) tile.textContent = texts[tile.dataset.tile];
}

function liveTraffic(box) {
  let timer = null;
  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.traffic, { headers: BY_ITSELF });
      const now = await answer.json();
      if (!answer.ok) throw new Error(now.reason);
      tiles(now);
      now.plots.forEach(draw);
      told(box, "every 5 s", true);
    } catch (problem) {
      told(box, problem.message || "no answer", false);
    }
  };
  const begin = () => {
    ask();
    timer = setInterval(ask, 5000);
  };
  const end = () => {
    clearInterval(timer);
    told(box, "paused", false);
  };
  switched(box, begin, end);
  // Lines and labels have the colours of the moment when they were drawn.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const { chart } of drawn.values()) chart.destroy();
    drawn.clear();
    ask();
  });
  new ResizeObserver(() => {
    for (const [id, { chart }] of drawn) {
      const width = document.querySelector(`[data-plot="${CSS.escape(id)}"] .canvas`).clientWidth;
      if (width !== chart.width) chart.setSize({ width, height: 160 });
    }
  }).observe($("#plots"));
}

function liveVerification(box) {
  if (box.dataset.state !== "running") return;
  setTimeout(() => location.reload(), 2000);
}

// A line of a rule file that a link points at may be inside a closed part.
function opened() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const closed = target && target.closest("details");
  if (!closed) return;
  closed.open = true;
  target.scrollIntoView({ block: "center" });
}

const PARTS = { "[data-feed]": liveStarts, "[data-progress]": follow, "[data-traffic]": liveTraffic, "#verification": liveVerification };
for (const [selector, begin] of Object.entries(PARTS)) {
  const box = $(selector);
  if (box) begin(box);
}
window.addEventListener("hashchange", opened);
opened();
