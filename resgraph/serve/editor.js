"use strict";
// The page of `resgraph serve`: what is typed is sent to the server on this machine, and what it comes to is shown.
const $ = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token") || "";
const LINE = 20, TOP = 12;
const state = { digest: "", saved: "", answer: null, asked: 0, shown: 0, timer: 0 };

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

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function columnWidth() {
  const probe = element("span", "0".repeat(100));
  $("marks").append(probe);
  const width = probe.getBoundingClientRect().width / 100;
  probe.remove();
  return width;
}

function mark(name, line, column, text) {
  const made = element("span", text, name);
  made.style.top = `${(line - 1) * LINE}px`;
  if (name === "shape" || name === "wave") made.style.left = `${14 + column * columnWidth()}px`;
  $("marks").append(made);
  return made;
}

function layOut() {
  const lines = $("text").value.split("\n");
  const longest = Math.max(...lines.map((line) => line.length));
  $("text").style.width = `${longest * columnWidth() + 260}px`;
  $("text").style.height = `${lines.length * LINE + 2 * TOP + 40}px`;
  const wrong = new Set((state.answer?.diagnostics || []).filter((d) => d.severity === "error").map((d) => d.line));
  $("gutter").replaceChildren(...lines.map((_, index) => {
    const row = element("div");
    row.append(element("span", String(index + 1), wrong.has(index + 1) ? "error" : ""));
    return row;
  }));
  $("marks").replaceChildren();
  for (const d of state.answer?.diagnostics || []) mark("line", d.line, 0, "");
  for (const row of state.answer?.rows || []) {
    mark("shape", row.line, (lines[row.line - 1] || "").length + 2, row.shape);
  }
}

function showProblems(found) {
  $("problems").replaceChildren(...found.map((d) => {
    const item = element("li", "", d.severity);
    item.tabIndex = 0;
    item.append(element("b", d.code), ` ${d.message} `, element("span", `line ${d.line}`, "place"));
    for (const text of [...d.notes, d.help]) if (text) item.append(element("div", text, "help"));
    const go = () => select(d.line, d.column);
    item.onclick = go;
    item.onkeydown = (event) => { if (event.key === "Enter") go(); };
    return item;
  }));
}

function select(line, column) {
  const lines = $("text").value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  $("text").focus();
  $("text").setSelectionRange(start, start);
  $("scroll").scrollTop = Math.max(0, (line - 6) * LINE);
}

function drawn(svg) {
  // Our own server drew it, with every text of the spec escaped; scripts are forbidden by the page's policy besides.
  $("figure").replaceChildren(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement);
  $("figure").classList.remove("stale");
}

function show(answer) {
  state.answer = answer;
  showProblems(answer.diagnostics);
  const names = answer.variants || [];
  $("variant-box").hidden = names.length === 0;
  if (names.join() !== [...$("variant").options].map((o) => o.value).join()) {
    $("variant").replaceChildren(...names.map((name) => element("option", name)));
  }
  if (answer.variant) $("variant").value = answer.variant;
  for (const id of ["figure", "table", "source"]) $(id).classList.toggle("stale", !answer.ok);
  if (answer.svg) drawn(answer.svg);
  const errors = answer.diagnostics.filter((d) => d.severity === "error").length;
  $("facts").textContent = answer.ok ? answer.facts : `${errors} mistake${errors === 1 ? "" : "s"}`;
  if (answer.ok) {
    $("table").textContent = answer.table;
    $("source").textContent = answer.source;
  }
  layOut();
}

async function ask() {
  const number = ++state.asked;
  const theme = document.documentElement.classList.contains("dark") ? "dark" : "light";
  const question = { text: $("text").value, variant: $("variant").value, view: $("view").value, theme };
  try {
    const answer = await call("/answer", question);
    if (number > state.shown) { state.shown = number; if (number === state.asked) show(answer); }
  } catch (problem) {
    $("facts").textContent = `the server does not answer: ${problem.message}`;
  }
}

function typed() {
  $("save").disabled = $("text").value === state.saved;
  layOut();
  clearTimeout(state.timer);
  state.timer = setTimeout(ask, 150);
}

async function save() {
  if ($("save").disabled) return;
  try {
    const written = await call("/save", { text: $("text").value, digest: state.digest });
    state.digest = written.digest;
    state.saved = written.text;
    $("save").disabled = $("text").value === state.saved;
    $("facts").textContent = `wrote ${written.name}`;
  } catch (problem) {
    $("facts").textContent = problem.message;
  }
}

function choose(name) {
  for (const id of ["figure", "table", "source"]) {
    $(id).hidden = id !== name;
    $(`tab-${id}`).setAttribute("aria-selected", String(id === name));
  }
}

function hover(event) {
  for (const lit of document.querySelectorAll("#marks .lit")) lit.remove();
  const node = event.target.closest?.("[id]");
  const row = node && (state.answer?.rows || []).find((r) => node.id === r.name || node.id.startsWith(`${r.name}.`));
  if (row) mark("lit", row.line, 0, "");
}

function setTheme(dark) {
  document.documentElement.classList.toggle("dark", dark);
  ask();
}

async function start() {
  $("text").addEventListener("input", typed);
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !event.shiftKey) { event.preventDefault(); document.execCommand("insertText", false, "  "); }
  });
  $("scroll").addEventListener("scroll", () => { $("gutter").scrollTop = $("scroll").scrollTop; });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); }
  });
  window.addEventListener("beforeunload", (event) => { if (!$("save").disabled) event.preventDefault(); });
  for (const id of ["variant", "view"]) $(id).onchange = ask;
  for (const id of ["figure", "table", "source"]) $(`tab-${id}`).onclick = () => choose(id);
  $("figure").addEventListener("mouseover", hover);
  $("save").onclick = save;
  $("theme").onclick = () => setTheme(!document.documentElement.classList.contains("dark"));
  const spec = await call("/spec");
  Object.assign(state, { digest: spec.digest, saved: spec.text });
  $("name").textContent = document.title = spec.name;
  $("text").value = spec.text;
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
}

start().catch((problem) => { $("facts").textContent = problem.message; });
