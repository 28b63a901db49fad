"use strict";
// Data → page. A page is a pile of fragments on one spine; folding and unfolding choose which of them are shown.
(() => {
  const net = JSON.parse(document.getElementById("net").textContent);
  const app = document.getElementById("app");
  const HOLE = /\ue000/g;
  const open = new Set();
  let chosen = "", sought = "";

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };

  // ── names: every id of a fragment, with the block's name filled in ─────────────────────────────────────────
  const idsOf = net.fragments.map(({ d }) => [...d.matchAll(/<g id="([^"]*)"/g)].map((match) => decode(match[1])));
  function decode(text) {
    return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&amp;/g, "&");
  }
  const names = (index, name) => idsOf[index].map((id) => id.replace(HOLE, name));
  const keyOf = (row, item) => `${row}:${item}`;

  const leaves = [];  // every thing that can be unfolded to ops: {keys that must be open, the names in it}
  net.rows.forEach((row, r) => row.items.forEach((item, i) => {
    const key = keyOf(r, i);
    (item.blocks || [item]).forEach((leaf, b) => {
      const own = item.blocks ? `${key}:${b}` : key;
      leaf.key = own;
      leaves.push({ path: item.blocks ? [key] : [], own, leaf, row: row.name });
    });
    item.key = key;
  }));

  // ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────
  function picture(index, name = "") {
    const { h, d } = net.fragments[index];
    const svg = `<svg width="${net.width}" height="${h}" viewBox="${-net.spine} 0 ${net.width} ${h}">`;
    return svg + d.replace(HOLE, name.replace(/[&<>"]/g, "")) + "</svg>";
  }
  function gap(height, arrow) {
    const end = arrow ? height - 5.5 : height;
    const head = arrow ? `<path class="f-edge" d="M0 ${height}L-2.7 ${height - 6.5}L2.7 ${height - 6.5}Z"/>` : "";
    return `<svg width="${net.width}" height="${height}" viewBox="${-net.spine} 0 ${net.width} ${height}">` +
      `<path class="s-edge" fill="none" stroke-width="1.4" d="M0 0V${end}"/>${head}</svg>`;
  }
  function draw(index, name, holder) {
    holder.insertAdjacentHTML("beforeend", gap(18, net.fragments[index].a) + picture(index, name));
  }

  function toggle(key, title, text, many) {
    return make("button", {
      class: many ? "toggle many" : "toggle", "data-key": key, title, "aria-expanded": String(open.has(key)),
      onclick: () => flip(key),
    }, text);
  }
  function drawLeaf(leaf, holder) {
    const item = make("div", { class: "item", "data-leaf": leaf.key });
    const opened = open.has(leaf.key);
    if (leaf.o !== undefined) item.append(toggle(leaf.key, opened ? "fold" : "unfold to single ops", opened ? "−" : "+"));
    if (leaf.f !== undefined) draw(opened && leaf.o !== undefined ? leaf.o : leaf.f, leaf.n || "", item);
    holder.append(item);
  }
  function drawItem(item, holder) {
    if (!item.blocks) return drawLeaf(item, holder);
    const box = make("div", { class: "item" });
    const opened = open.has(item.key);
    box.append(toggle(item.key, opened ? "fold the repeats" : `unfold ${item.label}`, opened ? "− fold" : item.said, true));
    if (opened) item.blocks.forEach((leaf) => drawLeaf(leaf, box));
    else { box.append(make("span", { class: "tag" }, item.tag)); draw(item.f, "", box); }
    holder.append(box);
  }

  const cost = (name, [text, share]) => make("div", { class: "cost", title: name },
    make("small", {}, text === "0" ? "" : `${(100 * share).toFixed(1)} %`), text === "0" ? "–" : text,
    make("i", {}, make("b", { style: `width:${(100 * share).toFixed(2)}%` })));

  function drawRow(row, index) {
    const figure = make("div", { class: "figure" });
    row.items.forEach((item) => drawItem(item, figure));
    const [channels, ...size] = row.shape.split(" × ");
    const card = row.items.some((item) => item.blocks || item.n);
    return make("section", { class: card ? "row card" : "row", "data-row": index, "aria-label": row.name },
      make("div", { class: "out" }, channels, make("small", {}, size.join(" × "))),
      make("div", { class: "name" }, row.name, make("small", {}, row.at)),
      figure, cost("parameters", row.params), cost("multiply-adds", row.macs),
      make("div", { class: "cost", title: "receptive field" }, row.seen));
  }

  const main = make("main", { style: `--spine:${net.spine}px;--lanes:${net.skips.length ? 9 * net.skips.length + 14 : 0}px` });
  function render() {
    main.replaceChildren();
    const top = make("section", { class: "row" }, make("div"), make("div"), make("div", { class: "figure" }));
    top.children[2].innerHTML = picture(net.input);
    main.append(top, ...net.rows.map(drawRow));
    drawSkips();
    mark();
  }

  // Long skips across rows run in lanes at the right of the figure, over the pile.
  function drawSkips() {
    if (!net.skips.length) return;
    const sections = [...main.querySelectorAll(".figure")];
    const where = [{ section: sections[0], joins: 0 }];
    net.rows.forEach((row, r) => {
      for (let unit = 0; unit < row.units; unit++) where.push({ section: sections[r + 1], unit, units: row.units });
    });
    const box = main.getBoundingClientRect();
    const bounds = (unit) => {
      const { section, unit: inner = 0, units = 1 } = where[unit];
      const part = units > 1 ? section.children[Math.min(inner, section.children.length - 1)] : section;
      const rect = part.getBoundingClientRect();
      return [rect.top - box.top, rect.bottom - box.top, section.getBoundingClientRect().left - box.left];
    };
    const paths = net.skips.map(([from, to]) => ({ y0: bounds(from)[1] - 3, y1: bounds(to)[1] - 7, x: bounds(from)[2] + net.spine }));
    paths.sort((a, b) => (a.y1 - a.y0) - (b.y1 - b.y0));
    const lines = paths.map(({ y0, y1, x }, lane) => {
      const far = x - net.spine + net.width + 4 + 9 * lane;
      return `<circle class="f-edge" cx="${x}" cy="${y0}" r="2.3"/><path class="s-edge" fill="none" stroke-width="1.4" d="M${x} ${y0}H${far}V${y1}H${x + 20}"/>` +
        `<path class="f-edge" d="M${x + 18} ${y1}l6.5 -2.7v5.4Z"/>`;
    });
    main.insertAdjacentHTML("beforeend", `<svg class="skips">${lines.join("")}</svg>`);
  }

  // ── folding, choosing, finding ─────────────────────────────────────────────────────────────────────────────
  function flip(key, want = !open.has(key)) {
    if (want) open.add(key); else open.delete(key);
    render();
    main.querySelector(`[data-key="${key}"]`)?.focus({ preventScroll: true });
  }
  function all(want) {
    open.clear();
    if (want) for (const { path, own, leaf } of leaves) { path.forEach((key) => open.add(key)); if (leaf.o !== undefined) open.add(own); }
    render();
  }
  const groups = () => [...main.querySelectorAll("svg g[id]")];
  const groupOf = (name) => groups().find((group) => group.id === name);

  // A name → the leaf that holds it, unfolded as far as it takes to see it.
  function reveal(name) {
    if (groupOf(name)) return true;
    for (const { path, own, leaf } of leaves) {
      const folded = leaf.f !== undefined && names(leaf.f, leaf.n || "").includes(name);
      const single = leaf.o !== undefined && names(leaf.o, leaf.n || "").includes(name);
      if (!folded && !single && leaf.n !== name) continue;
      path.forEach((key) => open.add(key));
      if (!folded || leaf.n === name) open.add(own);
      render();
      return true;
    }
    return false;
  }
  function choose(name, scroll = true) {
    if (name && !reveal(name)) return false;
    chosen = name;
    history.replaceState(null, "", name ? "#" + encodeURIComponent(name) : location.pathname + location.search);
    mark();
    if (name && scroll) groupOf(name)?.scrollIntoView({ block: "center", behavior: "instant" });
    return true;
  }
  // The path that a node stands on: what stands in one path of a block lights up together.
  const pathOf = (id) => {
    const words = id.split(".");
    let last = words.length - 1;
    while (last > 0 && !/^\d+$/.test(words[last])) last--;
    return words.slice(0, Math.max(last, 1)).join(".");
  };
  function mark() {
    for (const group of groups()) {
      group.classList.toggle("chosen", group.id === chosen);
      group.classList.toggle("hit", Boolean(sought) && said(group).toLowerCase().includes(sought));
    }
    main.classList.toggle("found", Boolean(sought));
    const group = chosen && groupOf(chosen);
    aside.hidden = !group;
    if (!group) return;
    const [name, ...rest] = said(group).split("; ")[0].split(": ");
    aside.replaceChildren(make("h2", {}, name), make("p", {}, rest.join(": ")), make("p", { class: "at" }, group.dataset.at || ""));
  }
  const said = (group) => group.querySelector("title")?.textContent || group.id;

  function seek(text) {
    sought = text.trim().toLowerCase();
    const found = [];
    if (sought) for (const { leaf } of leaves) for (const index of [leaf.o, leaf.f]) {
      if (index === undefined) continue;
      for (const name of names(index, leaf.n || "")) if (name.toLowerCase().includes(sought) && !found.includes(name)) found.push(name);
      if (found.length > 400) break;
    }
    hits = found;
    at = -1;
    count.textContent = sought ? `${found.length}${found.length > 400 ? "+" : ""} found` : "";
    mark();
  }
  let hits = [], at = -1;
  const next = (step) => { if (hits.length) { at = (at + step + hits.length) % hits.length; choose(hits[at]); } };

  // ── the page ───────────────────────────────────────────────────────────────────────────────────────────────
  const count = make("output", { "aria-live": "polite" });
  const search = make("input", {
    type: "search", placeholder: "search names", "aria-label": "search names",
    oninput: () => seek(search.value),
    onkeydown: (event) => {
      if (event.key === "Enter") next(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") { search.value = ""; seek(""); search.blur(); }
      event.stopPropagation();
    },
  });
  function theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
  }
  const aside = make("aside", { hidden: "", role: "status" });
  app.append(
    make("header", {},
      make("div", {}, make("h1", {}, net.name), make("p", {}, net.kind)),
      make("div", { class: "totals" }, net.totals, make("span", {}, net.counts)),
      make("div", { class: "bar" }, search, count,
        make("button", { id: "open-all", onclick: () => all(true) }, "unfold all"),
        make("button", { id: "fold-all", onclick: () => all(false) }, "fold all"),
        make("button", { id: "theme", onclick: theme }, "light / dark"),
        make("span", { class: "keys" }, make("kbd", {}, "/"), " search ", make("kbd", {}, "↑"), " ", make("kbd", {}, "↓"), " move ",
          make("kbd", {}, "space"), " fold ", make("kbd", {}, "e"), " all ", make("kbd", {}, "d"), " dark"))),
    main, aside);

  main.addEventListener("click", (event) => {
    const group = event.target.closest("svg g[id]");
    if (group) choose(group.id === chosen ? "" : group.id, false);
  });
  main.addEventListener("dblclick", (event) => {
    const leaf = event.target.closest("[data-leaf]");
    if (leaf) flip(leaf.dataset.leaf);
  });
  main.addEventListener("mouseover", (event) => {
    const group = event.target.closest("svg g[id]");
    main.classList.toggle("lit", Boolean(group));
    const path = group && pathOf(group.id);
    for (const other of groups()) other.classList.toggle("on", Boolean(group) && (pathOf(other.id) === path || other === group));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === search) return;
    const list = groups();
    const here = list.findIndex((group) => group.id === chosen);
    if (event.key === "/") { search.focus(); event.preventDefault(); }
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(list[Math.min(Math.max(here + step, 0), list.length - 1)].id);
      event.preventDefault();
    } else if (event.key === " " && event.target === document.body) {
      const leaf = here >= 0 && list[here].closest("[data-leaf]");
      if (leaf) { const key = leaf.dataset.leaf, old = chosen; flip(key); if (!groupOf(old)) choose(groupIn(key)); }
      event.preventDefault();
    } else if (event.key === "Escape") choose("");
    else if (event.key === "e") all(open.size === 0);
    else if (event.key === "d") theme();
  });
  const groupIn = (key) => main.querySelector(`[data-leaf="${key}"] svg g[id]`)?.id || "";
  const follow = () => choose(decodeURIComponent(location.hash.slice(1)));
  addEventListener("hashchange", follow);
  addEventListener("resize", () => { main.querySelector(".skips")?.remove(); drawSkips(); });
  render();
  if (location.hash.length > 1) follow();
})();
