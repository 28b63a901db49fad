// The page of `resgraph serve`: what is typed, or done in the figure, is sent to the server on this machine, and what
// it comes to is shown.
import { makeEditor } from "/editor.js";
import { element, makeFigure } from "/figure.js";

const $ = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token") || "";
const PAUSE = 150, LOOK = 2000, RUNS = 5000;  // ms without a keystroke before an answer, between looks at the file and at runs
const TEXTS = ["table", "source"], NET = ["figure", ...TEXTS], TABS = [...NET, "runs"];
const state = { digest: "", saved: "", theirs: null, answer: null, asked: 0, shown: 0, timer: 0 };
let editor, figure;

async function call(path, body) {
  const reply = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { "X-Resgraph-Token": token, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const value = await reply.json();
  if (!reply.ok) throw new Error(value.error || reply.statusText);
  return value;
}

function say(text) { $("facts").textContent = text; }

function showProblems(found) {
  $("problems").replaceChildren(...found.map((d) => {
    const help = [...d.notes, d.help].filter(Boolean).map((text) => element("span", { class: "help" }, text));
    const go = element("button", { type: "button", onclick: () => editor.select(d.line, d.column, d.end) },
      element("b", {}, d.code), ` ${d.message} `, element("span", { class: "place" }, `line ${d.line}`), ...help);
    return element("li", { class: d.severity }, go);
  }));
}

function show(answer, fixes = []) {
  state.answer = answer;
  showProblems(answer.diagnostics);
  const names = answer.variants || [];
  $("variant-box").hidden = names.length === 0;
  if (names.join() !== [...$("variant").options].map((o) => o.value).join()) {
    $("variant").replaceChildren(...names.map((name) => element("option", {}, name)));
  }
  if (answer.variant) $("variant").value = answer.variant;
  for (const id of NET) $(id).classList.toggle("stale", !answer.ok);
  if (answer.svg) figure.draw(answer.svg, answer);
  const errors = answer.diagnostics.filter((d) => d.severity === "error").length;
  say(answer.ok ? answer.facts : `${errors} mistake${errors === 1 ? "" : "s"}`);
  for (const id of TEXTS) if (answer[id] !== undefined) $(id).textContent = answer[id];
  editor.show(answer, fixes);
}

async function ask() {
  const number = ++state.asked;
  const theme = document.documentElement.classList.contains("dark") ? "dark" : "light";
  const text = editor.text;
  try {
    const pane = NET.find((id) => !$(id).hidden);
    const answer = await call("/answer", { text, variant: $("variant").value, view: $("view").value, theme, pane });
    if (number <= state.shown) return;
    state.shown = number;
    if (number !== state.asked) return;
    show(answer);
    if (!answer.diagnostics.length) return;
    const { fixes } = await call("/fixes", { text });
    if (number === state.asked && fixes.length) editor.show(answer, fixes);
  } catch (problem) {
    say(`the server does not answer: ${problem.message}`);
  }
}

function unsaved() { return editor.text !== state.saved; }

function typed() {
  $("save").disabled = !unsaved();
  remember();
  clearTimeout(state.timer);
  state.timer = setTimeout(ask, PAUSE);
}

// A text that is not saved outlives a reload or a crash of the browser.
function remember() {
  const key = `resgraph ${document.title}`;
  if (unsaved()) localStorage.setItem(key, JSON.stringify({ text: editor.text, digest: state.digest }));
  else localStorage.removeItem(key);
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(`resgraph ${document.title}`) || "null");
  } catch { return null; }
}

// What is done in the figure: the server says which characters change, and the editor can undo it.
async function act(action) {
  try {
    editor.edit([await call("/edit", { text: editor.text, action })]);
    return true;
  } catch (problem) {
    say(problem.message);
    return false;
  }
}

async function save() {
  if (!unsaved()) return;
  try {
    const written = await call("/save", { text: editor.text, digest: state.digest });
    kept(written);
    say(`wrote ${written.name}`);
  } catch (problem) {
    say(problem.message);
    look();
  }
}

// The file is now what `spec` says.
function kept(spec) {
  Object.assign(state, { digest: spec.digest, saved: spec.text, theirs: null });
  editor.compare(null);
  $("elsewhere").hidden = true;
  $("save").disabled = !unsaved();
  remember();
}

// A file that another program wrote is taken where nothing is unsaved here; else both are shown as a difference.
async function look() {
  const spec = await call("/spec").catch(() => null);
  if (!spec || spec.digest === state.digest || spec.digest === state.theirs?.digest) return;
  if (!unsaved()) {
    kept(spec);
    editor.text = spec.text;
    say(`${spec.name} was changed elsewhere: this is what it says now`);
    return;
  }
  state.theirs = spec;
  editor.compare(spec.text);
  $("elsewhere-text").textContent =
    `${spec.name} was changed elsewhere. The differences are marked in the text: take or leave each, then keep this text.`;
  $("elsewhere").hidden = false;
}

function takeTheirs() {
  const spec = state.theirs;
  kept(spec);
  editor.text = spec.text;
}

function keepMine() {
  const { digest, text } = state.theirs;
  kept({ digest, text });
}

function choose(name) {
  for (const id of TABS) {
    $(id).hidden = id !== name;
    $(`tab-${id}`).setAttribute("aria-selected", String(id === name));
    $(`tab-${id}`).tabIndex = id === name ? 0 : -1;
  }
  $("zoom").hidden = name !== "figure";
  if (name === "runs") showRuns();
  if (TEXTS.includes(name) && state.answer?.ok && state.answer[name] === undefined) ask();  // made when it shows
}

// The runs and studies beside the file, anew while they are looked at.
async function showRuns() {
  const { html } = await call("/runs").catch((problem) => ({ html: element("p", {}, problem.message).outerHTML }));
  if (html === state.runs) return;
  state.runs = html;
  $("runs").innerHTML = html;
}

function alongTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const now = TABS.findIndex((id) => $(`tab-${id}`) === event.target);
  const next = TABS[(now + step + TABS.length) % TABS.length];
  choose(next);
  $(`tab-${next}`).focus();
}

function hovered(id) {
  const places = (id && state.answer?.places?.[id]) || [];
  editor.light([...new Set(places.map((place) => place.line))].sort((a, b) => a - b));
}

function divide(percent) {
  const width = Math.round(Math.min(80, Math.max(20, percent)));
  $("left").style.setProperty("--width", `${width}%`);
  $("divider").setAttribute("aria-valuenow", String(width));
}

function makeDivider() {
  const divider = $("divider");
  divider.addEventListener("pointerdown", (event) => { event.preventDefault(); divider.setPointerCapture(event.pointerId); });
  divider.addEventListener("pointermove", (event) => {
    if (divider.hasPointerCapture(event.pointerId)) divide(100 * event.clientX / innerWidth);
  });
  divider.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (step) { event.preventDefault(); divide(Number(divider.getAttribute("aria-valuenow")) + step); }
  });
}

function setTheme(dark) {
  document.documentElement.classList.toggle("dark", dark);
  ask();
}

function wire() {
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); }
  });
  addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
  addEventListener("focus", look);
  setInterval(() => { if (!document.hidden) look(); }, LOOK);
  setInterval(() => { if (!document.hidden && !$("runs").hidden) showRuns(); }, RUNS);
  for (const id of ["variant", "view"]) $(id).onchange = ask;
  for (const id of TABS) {
    $(`tab-${id}`).onclick = () => choose(id);
    $(`tab-${id}`).addEventListener("keydown", alongTabs);
  }
  $("save").onclick = save;
  $("theirs").onclick = takeTheirs;
  $("mine").onclick = keepMine;
  $("add-row").onclick = () => { choose("figure"); figure.adding(["net"], state.answer?.rows?.at(-1)?.name ?? null); };
  $("add-block").onclick = () => { choose("figure"); figure.adding(["blocks"], null); };
  $("smaller").onclick = () => figure.zoomBy(1 / 1.25);
  $("larger").onclick = () => figure.zoomBy(1.25);
  $("fit").onclick = () => figure.fit();
  $("theme").onclick = () => setTheme(!document.documentElement.classList.contains("dark"));
  makeDivider();
}

async function start() {
  const spec = await call("/spec");
  Object.assign(state, { digest: spec.digest, saved: spec.text });
  $("name").textContent = document.title = spec.name;
  editor = makeEditor({ parent: $("editor"), text: spec.text, words: spec.words, call, changed: typed, saved: save });
  state.saved = editor.text;
  const point = (place) => editor.light([place.line]);
  figure = makeFigure({ pane: $("figure"), act, point, hovered });
  wire();
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
  const kept = remembered();
  if (kept && kept.text !== editor.text) {
    const changed = kept.digest !== state.digest;  // the file, too: both are shown
    state.digest = kept.digest;
    editor.text = kept.text;
    say("what was not saved the last time is here again; undo takes it back");
    if (changed) look();
  }
  globalThis.page = { editor, figure, state, save };  // for the browser's console, and for tests
}

start().catch((problem) => say(problem.message));
