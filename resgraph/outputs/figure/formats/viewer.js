"use strict";
// Data → page. A page is a pile of fragments on one spine; folding and unfolding choose which of them are shown.
(() => {
  const net = JSON.parse(document.getElementById("net").textContent);
  const app = document.getElementById("app");
  const HOLE = /\ue000/g;
  const open = new Set();
  let chosen = "", sought = [];

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
  // What is shown decides how wide the figure is: the spine, with a gutter for the buttons at its left, and what
  // stands at its right; its pieces are a gap apart. `scale` makes that fit the window.
  const GAP = 18, GUTTER = 96, NUMBERS = 7.8, TEXT = 13;
  let spine = 0, width = 0, scale = 1;

  function svg(height, inside) {
    return `<svg width="${width * scale}" height="${height * scale}" viewBox="${-spine} 0 ${width} ${height}">${inside}</svg>`;
  }
  function picture(index, name = "") {
    const { h, d } = net.fragments[index];
    return svg(h, d.replace(HOLE, name.replace(/[&<>"]/g, "")));
  }
  let leaving = [0];  // where the streams leave that were drawn last
  // From where streams leave to where they enter: those that move aside turn at heights of their own.
  function gap(arrow, entering) {
    const end = arrow ? GAP - 5.5 : GAP;
    const wires = entering.slice(0, leaving.length).map((to, at, { length }) => {
      const from = leaving[at], turn = GAP * (to > from ? length - at : at + 1) / (length + 1);
      const head = arrow ? `<path class="f-edge" d="M${to} ${GAP}l-2.7 -6.5h5.4Z"/>` : "";
      return `<path class="s-edge" fill="none" stroke-width="1.4" d="M${from} 0${to === from ? "" : `V${turn}H${to}`}V${end}"/>${head}`;
    });
    return svg(GAP, wires.join(""));
  }
  function draw(index, name, holder) {
    const { a, e = [0], x = [0] } = net.fragments[index];
    holder.insertAdjacentHTML("beforeend", gap(a, e) + picture(index, name));
    leaving = x;
    holder.dataset.entering ??= e.join(" ");
    holder.dataset.leaving = x.join(" ");
  }
  const isOpen = (leaf) => leaf.o !== undefined && open.has(leaf.key);
  const shownOf = (leaf) => (isOpen(leaf) ? leaf.o : leaf.f);
  const entering = (row) => net.fragments[shownOf(leavesOf(row.items[0])[0])]?.e?.length || 1;
  const leavesOf = (item) => (item.blocks && open.has(item.key) ? item.blocks : [item]);

  function measure() {
    const shown = [net.input, ...net.rows.flatMap((row) => row.items.flatMap(leavesOf).map(shownOf))]
      .filter((index) => index !== undefined).map((index) => net.fragments[index]);
    spine = GUTTER + Math.max(...shown.map(({ l }) => l));
    width = spine + Math.max(...shown.map(({ r }) => r)) + 8;
    const lanes = net.skips.length ? 9 * net.skips.length + 14 : 0;
    const room = (printing || document.documentElement.clientWidth) - 2 * (printing ? 0 : 16);
    const beside = TEXT * (19.5 + (NUMBERS + 1) * net.columns.length);
    scale = Math.min(room / (beside + width + lanes), 1.7);
    const stacked = scale < 0.8;
    if (stacked) scale = Math.max(Math.min(room / (width + lanes), 1), 0.3);
    main.classList.toggle("stacked", stacked);
    const grid = `6.5em 11em ${(width + lanes) * scale}px repeat(${net.columns.length},${NUMBERS}em)`;
    const text = TEXT * Math.max(scale, stacked ? 1 : 0.8);
    const page = stacked ? "100vw" : `${beside * text / TEXT + (width + lanes) * scale}px`;
    document.documentElement.style.cssText = `--text:${text}px;--page:${page}`;
    main.style.cssText = `--spine:${spine * scale}px;--lanes:${lanes}px;--columns:${net.columns.length};` +
      `--grid:${grid};--scale:${scale}`;
  }

  function toggle(key, said, text, many) {
    return make("button", {
      class: many ? "toggle many" : "toggle", "data-key": key, title: said, "aria-label": `${text}: ${said}`,
      "aria-expanded": String(open.has(key)), onclick: () => flip(key),
    }, text);
  }
  function drawLeaf(leaf, holder, row) {
    const item = make("div", { class: "item", "data-leaf": leaf.key, "data-right": net.fragments[shownOf(leaf) ?? net.input].r });
    const what = leaf.n || row.name;
    if (leaf.o !== undefined) item.append(isOpen(leaf) ? toggle(leaf.key, `fold ${what}`, "−") : toggle(leaf.key, `unfold ${what} to single ops`, "+"));
    if (leaf.f !== undefined) draw(shownOf(leaf), leaf.n || "", item);
    holder.append(item);
  }
  function drawItem(item, holder, row) {
    if (!item.blocks) return drawLeaf(item, holder, row);
    const box = make("div", { class: "item" });
    const opened = open.has(item.key);
    box.append(toggle(item.key, `${opened ? "fold" : "unfold"} ${item.label} of ${row.name}`, opened ? "− fold" : item.said, true));
    if (opened) item.blocks.forEach((leaf) => drawLeaf(leaf, box, row));
    else { box.append(make("span", { class: "tag" }, item.tag)); draw(item.f, "", box); }
    holder.append(box);
  }

  function cost(name, [said, shareSaid, share]) {
    const label = make("span", { class: "label" }, name);
    if (!said || share === null) return make("div", { class: "cost", title: name }, label, said || "–");
    return make("div", { class: "cost", title: name }, label, make("div", {}, said, make("small", {}, shareSaid)),
      make("i", {}, make("b", { style: `width:${(100 * share).toFixed(2)}%` })));
  }

  // What flows on into a row, over the edges of the cards around it.
  function streams(way, next, height) {
    const wires = leaving.slice(0, entering(next)).map((x) => `<path class="s-edge" stroke-width="1.4" d="M${x} 0V${height / scale}"/>`);
    return `<svg class="${way}" width="${width * scale}" height="${height}" viewBox="${-spine} 0 ${width} ${height / scale}">${wires.join("")}</svg>`;
  }
  function drawRow(row, index) {
    const figure = make("div", { class: "figure" });
    const card = row.items.some((item) => item.blocks || item.n), last = index === net.rows.length - 1;
    const into = card ? streams("in", row, 12) : "";
    row.items.forEach((item) => drawItem(item, figure, row));
    figure.insertAdjacentHTML("beforeend", into + (last ? "" : streams("out", net.rows[index + 1], card ? 22 : 14)));
    const [channels, ...size] = row.shape.split(" × ");
    return make("section", { class: card ? "row card" : "row", "data-row": index, "aria-label": row.name },
      make("div", { class: "out", title: "output" }, channels, make("small", {}, size.join(" × "))),
      make("div", { class: "name" }, row.name, make("small", {}, row.kinds), make("small", {}, row.at)),
      figure, ...row.cells.map((cell, column) => cost(net.columns[column], cell)));
  }

  const main = make("main");
  let printing = 0;
  function render() {
    const top = main.style.getPropertyValue("--top");
    measure();
    main.style.setProperty("--top", top);
    main.replaceChildren();
    const heads = make("div", { class: "row heads" },
      ...["output", "", "", ...net.columns].map((name) => make("div", {}, name)));
    const input = make("section", { class: "row", "aria-label": "input" }, make("div"), make("div"), make("div", { class: "figure" }));
    leaving = [0];
    input.children[2].innerHTML = picture(net.input) + streams("out", net.rows[0], 14);
    main.append(heads, input, ...net.rows.map(drawRow));
    drawSkips();
    mark();
  }

  // Long skips across rows run in lanes at the right of the figure, over the pile.
  function drawSkips() {
    if (!net.skips.length) return;
    const sections = [...main.querySelectorAll(".figure")];
    const where = [{ section: sections[0] }];
    net.rows.forEach((row, r) => {
      for (let unit = 0; unit < row.units; unit++) where.push({ section: sections[r + 1], unit, units: row.units });
    });
    const box = main.getBoundingClientRect();
    const ends = (unit) => {
      const { section, unit: inner = 0, units = 1 } = where[unit];
      const items = section.querySelectorAll(":scope>.item");
      const part = units > 1 ? items[Math.min(inner, items.length - 1)] : section;
      const { bottom } = part.getBoundingClientRect();
      const leaves = part.matches("[data-leaving]") ? [part] : [...part.querySelectorAll("[data-leaving]")];
      const first = leaves[0] || part, last = leaves.at(-1) || part;
      return {
        top: first.getBoundingClientRect().top - box.top, bottom: bottom - box.top, spine: section.getBoundingClientRect().left - box.left + spine * scale,
        entering: first.dataset.entering?.split(" "), leaving: last.dataset.leaving?.split(" "), right: Math.min(first.dataset.right || 13, 60),
      };
    };
    const right = ends(0).spine + (width - spine) * scale;
    const skips = net.skips.map(([source, target, port, entry]) => {
      const from = ends(source), to = ends(target);
      const x = from.spine + (from.leaving?.[port] || 0) * scale, y = from.bottom - 3;
      // into the side of a sum; or from above into a unit that several streams enter
      if (!to.entering?.[entry] || to.entering.length < 2) return { x, y, end: to.bottom - 7, tip: to.spine + to.right * scale + 1 };
      return { x, y, end: to.top + 5, down: to.spine + to.entering[entry] * scale };
    });
    skips.sort((a, b) => (a.end - a.y) - (b.end - b.y));
    const lines = skips.map(({ x, y, end, tip, down }, lane) => {
      const far = right + 4 + 9 * lane;
      const way = down === undefined ? `H${tip + 7}` : `H${down}v${GAP * scale - 5}`;
      return `<circle class="f-edge" cx="${x}" cy="${y}" r="2.3"/><path class="s-edge" fill="none" stroke-width="1.4" d="M${x} ${y}H${far}V${end}${way}"/>` +
        (down === undefined ? `<path class="f-edge" d="M${tip} ${end}l6.5 -2.7v5.4Z"/>` : "");
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
      group.classList.toggle("hit", sought.length > 0 && sought.every((word) => plain(`${group.id} ${group.textContent}`).includes(word)));
    }
    main.classList.toggle("found", sought.length > 0);
    const group = chosen && groupOf(chosen);
    aside.hidden = !group;
    if (!group) return;
    const [name, ...rest] = said(group).split("; ")[0].split(": ");
    aside.replaceChildren(make("h2", {}, name), make("p", {}, rest.join(": ")), make("p", { class: "at" }, group.dataset.at || ""));
  }
  const said = (group) => group.querySelector("title")?.textContent || group.id;

  // What a group says: its name, its title, which has the labels of its ops, and the words in it.
  let words;
  const plain = (text) => text.toLowerCase().replace(/×/g, "x");
  const wordsOf = () => words ??= net.fragments.map(({ d }) =>
    [...d.matchAll(/<g id="([^"]*)"[^>]*>([^]*?)<\/g>/g)].map(([, id, inside]) =>
      [decode(id), plain(decode(`${id} ${inside.replace(/<[^>]*>/g, " ")}`))]));
  // Names that say a phrase; where none does, those that say each of its words.
  function seek(text) {
    const phrase = plain(text).trim().replace(/\s+/g, " ");
    hits = phrase ? saying([phrase]) : [];
    sought = phrase && !hits.length ? phrase.split(" ") : [phrase].filter(Boolean);
    if (sought.length > 1) hits = saying(sought);
    at = -1;
    tell();
    mark();
  }
  function saying(parts) {
    const found = new Set();
    const says = (all) => parts.every((part) => all.includes(part));
    for (const { leaf, row } of leaves) {
      const name = leaf.n || "";
      if (leaf.k && says(plain(`${leaf.k} ${row}`))) found.add(name);
      for (const index of [leaf.o, leaf.f]) for (const [id, said] of wordsOf()[index] || [])
        if (says(said.replace(HOLE, name.toLowerCase()))) found.add(id.replace(HOLE, name));
      if (found.size > 400) break;
    }
    // a layer is not told beside the op in it that is meant
    const sorted = [...found].sort();
    sorted.forEach((name, place) => { if (sorted[place + 1]?.startsWith(`${name}.`)) found.delete(name); });
    return [...found];
  }
  const tell = () => {
    const all = `${hits.length}${hits.length > 400 ? "+" : ""}`;
    count.textContent = !sought.length ? "" : at < 0 ? `${all} found` : `${at + 1} of ${all}`;
  };
  let hits = [], at = -1;
  const next = (step) => { if (hits.length) { at = (at + step + hits.length) % hits.length; choose(hits[at]); tell(); } };

  // ── the page ───────────────────────────────────────────────────────────────────────────────────────────────
  const count = make("output", { "aria-live": "polite" });
  const search = make("input", {
    type: "search", placeholder: "search names, ops, labels", "aria-label": "search names, ops and labels",
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
  const aside = make("aside", { hidden: "", "aria-label": "what is chosen", "aria-live": "polite" });
  function legend() {
    const samples = net.legend.map(([wide, drawn, label]) => {
      const item = make("li");
      item.innerHTML = `<svg width="${wide}" height="16" viewBox="0 0 ${wide} 16" aria-hidden="true">${drawn}</svg>`;
      item.append(label);
      return item;
    });
    const footer = make("footer", {}, make("ul", { "aria-label": "legend" }, ...samples));
    if (net.scale) {
      const { name, low, high, steps, said, note } = net.scale;
      const colours = Array.from({ length: steps }, (_, step) => make("i", { style: `background:var(--heat-${step})` }));
      footer.prepend(make("p", { class: "scale" }, make("b", {}, name), low, make("span", {}, ...colours), [high, said].filter(Boolean).join(" · ")),
        make("p", { class: "note" }, note));
    }
    return footer;
  }
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
    main, legend(), aside);

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
  const header = app.querySelector("header");
  const fit = () => { render(); main.style.setProperty("--top", `${header.offsetHeight}px`); };
  addEventListener("resize", fit);
  // a page of A4 or Letter between its margins
  addEventListener("beforeprint", () => { printing = 700; render(); });
  addEventListener("afterprint", () => { printing = 0; render(); });
  fit();
  if (location.hash.length > 1) follow();
})();
