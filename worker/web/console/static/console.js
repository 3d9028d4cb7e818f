// What pages do by themselves: look again, remember a choice, obey the keyboard. Whatever comes from outside is put in as text.
"use strict";

const all = (what, root = document) => [...root.querySelectorAll(what)];
const one = (what, root = document) => root.querySelector(what);

// --- looking again ----------------------------------------------------------------------------------------

const every = one("#every");
let seen = performance.now();
let last = "";

every.value = localStorage.getItem("every") ?? "5";
every.addEventListener("change", () => localStorage.setItem("every", every.value));

setInterval(() => {
  const seconds = Number(every.value);
  if (!seconds || document.hidden || performance.now() - seen < 1000 * seconds) return;
  seen = performance.now();
  document.body.dispatchEvent(new Event("tick"));
}, 250);
document.addEventListener("visibilitychange", () => { if (!document.hidden) seen = -Infinity; });

const isLook = (event) => event.detail.target?.id === "live";
const busy = () => all("#live input:checked, #live input:focus, #live select:focus").length > 0;

document.body.addEventListener("htmx:beforeRequest", (event) => { if (isLook(event) && busy()) event.preventDefault(); });
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (!isLook(event)) return;
  const answer = event.detail.xhr;
  late(answer.status >= 400);
  if (answer.status >= 400) return;
  const fresh = new DOMParser().parseFromString(answer.responseText, "text/html");
  const time = one("#updated", fresh);
  const body = one("#live", fresh)?.outerHTML ?? "";
  if (body === last && time && one("#updated")) {  // nothing has changed but the time
    one("#updated").textContent = time.textContent;
    event.detail.shouldSwap = false;
  }
  last = body;
});
document.body.addEventListener("htmx:responseError", (event) => {
  if (isLook(event)) return;
  const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const note = document.createElement("p");
  note.className = "note bad";
  note.textContent = one("[role=alert]", answer)?.textContent ?? "This cannot be shown now.";
  event.detail.target.replaceChildren(note);
});
document.body.addEventListener("htmx:sendError", () => late(true));
document.body.addEventListener("htmx:afterSettle", () => { ready(); choose(chosen, false); });

function late(is) { one(".live")?.classList.toggle("late", is); }

// --- light and dark ---------------------------------------------------------------------------------------

one("#theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  ready(true);
  document.dispatchEvent(new Event("themed"));
});

// --- the keyboard -----------------------------------------------------------------------------------------

let chosen = -1;
const rows = () => all("main .row");

function choose(number, scroll = true) {
  const found = rows();
  for (const row of found) row.classList.remove("chosen");
  if (number < 0 || !found.length) return;
  chosen = Math.min(number, found.length - 1);
  found[chosen].classList.add("chosen");
  if (scroll) found[chosen].scrollIntoView({ block: "nearest" });
}

const writes = (element) => element.matches("input:not([type=checkbox], [type=radio]), select, textarea");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && document.activeElement?.id === "q") document.activeElement.blur();
  if (writes(document.activeElement)) return;
  const row = rows()[chosen];
  if (event.key === "/" && one("#q")) { event.preventDefault(); one("#q").focus(); one("#q").select(); }
  else if (event.key === "j") choose(chosen + 1);
  else if (event.key === "k") choose(Math.max(0, chosen - 1));
  else if (event.key === "x" && row) one("input[type=checkbox]", row)?.click();
  else if (event.key === "Enter" && row && (document.activeElement === document.body || document.activeElement.id === "main")) go(row);
});

function go(row) { location.assign(row.dataset.href ?? row.href); }

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-href]");
  if (row && !event.target.closest("a, button, input, label") && !String(getSelection())) go(row);
});

// --- selecting --------------------------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const button = one("#selected");
  if (!button || !event.target.matches("#list input[type=checkbox]")) return;
  const count = all("#list input:checked").length;
  one("span", button).textContent = String(count);
  button.disabled = count === 0;
});

// --- filters that write themselves ------------------------------------------------------------------------

const box = one("[data-complete]");
const list = one("#suggestions");
let asked = 0;

function close() { if (list) { list.hidden = true; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); } }

async function suggest() {
  const mine = ++asked;
  const answer = await fetch(`${box.dataset.complete}?q=${encodeURIComponent(box.value.slice(0, box.selectionEnd))}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== asked || !answer.ok || document.activeElement !== box) return;
  const picked = one("[aria-selected=true]", list)?.dataset.text;  // of now: keys may have moved it meanwhile
  list.replaceChildren(...page.body.children);
  for (const option of list.children) option.setAttribute("aria-selected", String(option.dataset.text === picked));
  list.hidden = !list.children.length;
  box.setAttribute("aria-expanded", String(!list.hidden));
}

function take(option) {
  box.value = option.dataset.text + box.value.slice(box.selectionEnd);
  box.setSelectionRange(option.dataset.text.length, option.dataset.text.length);
  box.focus();
  suggest();
}

function step(by) {
  const options = [...list.children];
  const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const next = (now + by + options.length + (now < 0 && by < 0 ? 1 : 0)) % options.length;
  options.forEach((option, number) => option.setAttribute("aria-selected", String(number === next)));
  box.setAttribute("aria-activedescendant", options[next].id);
  options[next].scrollIntoView({ block: "nearest" });
}

if (box) {
  box.addEventListener("input", suggest);
  box.addEventListener("focus", suggest);
  box.addEventListener("blur", () => setTimeout(close, 150));
  box.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const option = one("[aria-selected=true]", list);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); step(event.key === "ArrowDown" ? 1 : -1); }
    else if ((event.key === "Enter" || event.key === "Tab") && option) { event.preventDefault(); take(option); }
    else if (event.key === "Escape") { event.stopPropagation(); close(); }
  });
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) { event.preventDefault(); take(option); }
  });
}

one("#tags")?.addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  let shown = 0;
  for (const group of all("details.tags")) {
    const name = one("summary b", group).textContent.toLowerCase();
    let here = 0;
    for (const tag of all(".tag", group)) {
      tag.hidden = !`${name}:${tag.textContent}`.toLowerCase().includes(wanted);
      here += !tag.hidden;
    }
    group.hidden = !here;
    shown += here;
  }
  one("#no-tags").hidden = shown > 0;
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(one(button.dataset.copy).textContent);
  const words = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = words; }, 1500);
});

// --- plots ------------------------------------------------------------------------------------------------

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const axis = (more) => ({ stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, ...more });

const WHOLE = [...Array(10).keys()].flatMap((power) => [1, 2, 5].map((each) => each * 10 ** power));

function flow(place, values) {
  const rate = { label: "messages/s", scale: "rate", stroke: colour("--warn"), width: 1.5 };
  const waiting = { label: "waiting, messages", stroke: colour("--accent"), fill: colour("--accent-ground"), width: 1.5 };
  return [{
    series: [{ label: "UTC", value: (_, time) => time == null ? "" : new Date(time * 1000).toISOString().slice(11, 19) }, waiting, rate],
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high)] }, rate: { range: (_, low, high) => [0, Math.max(1, high)] } },
    tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
    axes: [axis({ space: 70, values: (_, times) => times.map((time) => new Date(time * 1000).toISOString().slice(11, 19)) }), axis({ size: 48, incrs: WHOLE }), axis({ scale: "rate", side: 1, size: 44, grid: { show: false } })],
  }, [values.at, values.waiting, values.rate]];
}

function months(place, values) {
  const times = values.months.map((month) => Date.parse(`${month}-01T00:00:00Z`) / 1000);
  const bars = uPlot.paths.bars({ size: [0.82, 46] });
  const pictures = { label: "pictures", fill: colour("--accent"), stroke: colour("--accent"), width: 0, paths: bars, points: { show: false } };
  place.addEventListener("click", () => {
    const number = place.plot?.cursor.idx;
    if (number == null) return;
    const address = new URL("/plots", location.href);
    const q = new URLSearchParams(location.search).get("q") ?? "";
    address.searchParams.set("q", `${q} taken:${values.months[number]}`.trim());
    location.assign(address);
  });
  const words = document.querySelector("#month");
  const rest = words.textContent;
  const read = (plot) => {
    const number = plot.cursor.idx;
    words.textContent = number == null ? rest : `${values.months[number]}: ${values.counts[number].toLocaleString("en")} pictures`;
  };
  return [{
    legend: { show: false },
    hooks: { setCursor: [read] },
    tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
    series: [{}, pictures],
    scales: { x: { range: (_, low, high) => [low - 15 * 86400, high + 15 * 86400] }, y: { range: (_, low, high) => [0, Math.max(1, high * 1.06)] } },
    axes: [axis({ grid: { show: false } }), axis({ size: 52 })],
  }, [times, values.counts]];
}

function ready(again = false) {
  for (const place of all("[data-chart]")) {
    if (typeof uPlot === "undefined" || (place.plot && !again)) continue;
    place.plot?.destroy();
    const [options, data] = { flow, months }[place.dataset.chart](place, JSON.parse(place.dataset.values));
    const size = () => ({ width: place.clientWidth, height: place.clientHeight - (place.dataset.chart === "flow" ? 26 : 0) });
    place.plot = new uPlot({ ...size(), cursor: { drag: { x: false, y: false } }, ...options }, data, place);
    place.measure ??= new ResizeObserver(() => place.plot.setSize(size()));
    place.measure.observe(place);
  }
}

if (matchMedia("(max-width: 800px)").matches) for (const details of all("details.facets")) details.open = false;
ready();
