// The figure of a spec as a thing to work with: zoom, a node's words to edit in place, rows that are moved by hand.
const NEAR = 6;  // pixels that a press may move and still be a click

export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) made[name] = value;
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// `act(action)` asks the server for an edit and makes it; `point(place)` shows a place in the text; `hovered(id)`.
export function makeFigure({ pane, act, point, hovered }) {
  let answer = null, zoom = 0, open = null, drag = null;
  const nodes = () => [...pane.querySelectorAll("svg g[id]")].filter((g) => answer?.places?.[g.id]);
  const rowOf = (id) => {
    const place = (answer?.places?.[id] || []).findLast((p) => p.path[0] === "net");
    return place ? place.path[1] : null;
  };
  const order = () => (answer?.rows || []).map((row) => row.name);

  function draw(svg, next) {
    answer = next;
    // Our own server drew it, with every text of the spec escaped; scripts are forbidden by the page's policy besides.
    const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    drawn.setAttribute("role", "group");
    pane.querySelector("svg")?.remove();
    pane.prepend(drawn);
    pane.classList.remove("stale");
    for (const node of nodes()) {
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      const seen = [...node.querySelectorAll("text")].map((text) => text.textContent).join(" ");
      node.setAttribute("aria-label", `${seen} ${node.id}: ${answer.places[node.id][0].text}, edit`.trim());
    }
    scale(zoom);
    if (open && !answer.places?.[open]) close();
  }

  function scale(to) {
    zoom = to;
    const svg = pane.querySelector("svg");
    if (!svg) return;
    const width = svg.viewBox.baseVal.width;
    svg.style.maxWidth = zoom ? "none" : "100%";
    svg.style.width = zoom ? `${width * zoom}px` : "";
  }

  function shown() {
    const svg = pane.querySelector("svg");
    return svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
  }

  function close() {
    pane.querySelector(".popover")?.remove();
    const before = open && document.getElementById(open);
    open = null;
    before?.focus?.();
  }

  function described(place) {
    const [kind, name, ...rest] = place.path;
    if (kind === "net") return rest.length ? `row ${name}, item ${rest[0] + 1}` : `row ${name}`;
    if (kind === "blocks") return `block ${name}, ${rest.map((key) => typeof key === "number" ? key + 1 : key).join(" ")}: in every call`;
    return place.path.join(" ");
  }

  async function done(action) {
    if (await act(action)) close();
  }

  function field(place) {
    const input = element("input", { type: "text", value: place.text, spellcheck: "false", autocomplete: "off" });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (input.value === place.text) close(); else done({ kind: "replace", path: place.path, text: input.value });
    });
    input.addEventListener("focus", () => point(place));
    return element("label", {}, element("span", {}, described(place)), input);
  }

  function button(text, title, run, disabled = false) {
    return element("button", { type: "button", title, "aria-label": title, disabled, onclick: run }, text);
  }

  function buttons(id) {
    const row = rowOf(id), rows = order(), at = rows.indexOf(row);
    if (at < 0) return "";
    const path = ["net", row], item = answer.places[id][0];
    const made = element("div", { class: "acts" },
      button("↑", `move row ${row} up`, () => done({ kind: "move", path, to: at - 1 }), at === 0),
      button("↓", `move row ${row} down`, () => done({ kind: "move", path, to: at + 1 }), at === rows.length - 1),
      button("+ row", `add a row behind ${row}`, () => adding(["net"], row)),
      button("− row", `remove row ${row}`, () => done({ kind: "remove", path })));
    if (typeof item.path.at(-1) === "number") {
      made.append(
        button("+ item", "add an item behind this one", () => adding(item.path.slice(0, -1), item.path.at(-1))),
        button("− item", "remove this item", () => done({ kind: "remove", path: item.path })));
    }
    return made;
  }

  // A form for a new row, item or block; `after` is the entry before it.
  function adding(path, after) {
    const list = typeof after === "number";
    const named = list ? null : element("input", { type: "text", required: true, pattern: "[A-Za-z_][A-Za-z0-9_\\-]*" });
    const label = element("input", { type: "text", required: true, spellcheck: "false" });
    const form = element("form", {
      onsubmit: (event) => {
        event.preventDefault();
        done({ kind: "add", path, name: named ? named.value : "", text: label.value, after });
      },
    });
    if (named) form.append(element("label", {}, element("span", {}, "name"), named));
    const what = path[0] === "blocks" && path.length === 1 ? "a block, such as {body: [3x3 conv out, 3x3 conv out linear], merge: body + shortcut}" : "a label, such as 3x3 conv 64";
    form.append(element("label", {}, element("span", {}, what), label), element("button", {}, "add"));
    popover(`new ${path.join(" ")}`, form);
    (named || label).focus();
  }

  function popover(title, ...parts) {
    pane.querySelector(".popover")?.remove();
    const box = element("div", { class: "popover", role: "dialog", "aria-label": title },
      element("header", {}, element("strong", {}, title), button("×", "close", close)), ...parts);
    box.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } });
    pane.append(box);
    return box;
  }

  function edit(node, pressed) {
    open = node.id;
    const fields = answer.places[node.id].map(field);
    const box = popover(node.id, ...fields, buttons(node.id));
    const at = node.getBoundingClientRect(), frame = pane.getBoundingClientRect();
    const below = at.bottom - frame.top + pane.scrollTop + 6;
    box.style.left = `${Math.max(8, Math.min(at.left - frame.left + pane.scrollLeft, pane.scrollLeft + pane.clientWidth - box.offsetWidth - 12))}px`;
    box.style.top = `${below}px`;
    box.scrollIntoView({ block: "nearest" });
    // What was pressed is selected where it was written: the innermost words that have it.
    const inputs = [...box.querySelectorAll("input")];
    const found = pressed && inputs.find((input) => words(input.value).includes(pressed));
    const input = found || inputs[0];
    input.focus();
    const begin = found ? found.value.lastIndexOf(pressed) : 0;
    input.setSelectionRange(begin, found ? begin + pressed.length : input.value.length);
  }

  const words = (text) => text.split(/[\s,[\]{}]+/);

  // The word of the figure at a place of the screen, as a spec writes it: `3x3`, `64`, `/2`.
  function written(node, { clientX, clientY }) {
    const near = [...node.querySelectorAll("text")].find((text) => {
      const box = text.getBoundingClientRect();
      return clientX > box.left - NEAR && clientX < box.right + NEAR && clientY > box.top - 2 && clientY < box.bottom + 2;
    });
    return near ? words(near.textContent.replaceAll("×", "x"))[0] : "";
  }

  // Where the rows stand, from top to bottom.
  function boxes() {
    const found = new Map();
    for (const node of nodes()) {
      const row = rowOf(node.id);
      if (!order().includes(row)) continue;
      const { top, bottom } = node.getBoundingClientRect();
      const known = found.get(row) || { top, bottom };
      found.set(row, { top: Math.min(top, known.top), bottom: Math.max(bottom, known.bottom) });
    }
    return found;
  }

  function dropped(y) {
    const others = [...boxes()].filter(([name]) => name !== drag.row);
    const place = others.filter(([, box]) => (box.top + box.bottom) / 2 < y).length;
    const next = others[place]?.[1], last = others.at(-1)?.[1];
    return { place, y: next ? next.top - 8 : last.bottom + 8 };
  }

  pane.addEventListener("pointerdown", (event) => {
    const node = event.target.closest?.("g[id]");
    if (!node || !answer?.places?.[node.id] || event.button !== 0) return;
    drag = { node, row: rowOf(node.id), x: event.clientX, y: event.clientY, text: written(node, event) };
  });
  pane.addEventListener("pointermove", (event) => {
    if (!drag || !order().includes(drag.row) || Math.abs(event.clientY - drag.y) < NEAR && !drag.line) return;
    if (!drag.line) { pane.append(drag.line = element("div", { class: "drop" })); pane.classList.add("dragging"); }
    const { y } = dropped(event.clientY);
    drag.line.style.top = `${y - pane.getBoundingClientRect().top + pane.scrollTop}px`;
  });
  addEventListener("pointerup", (event) => {
    const was = drag;
    if (was?.line) {
      const { place } = dropped(event.clientY);
      was.line.remove();
      pane.classList.remove("dragging");
      if (place !== order().indexOf(was.row)) act({ kind: "move", path: ["net", was.row], to: place });
    } else if (was && event.target.closest?.("g[id]")?.id === was.node.id) {
      edit(event.target.closest("g[id]"), was.text);  // the figure may have been drawn again since
    }
    drag = null;
  });
  pane.addEventListener("keydown", (event) => {
    const node = event.target.closest?.("g[id]");
    if (node && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); edit(node); }
    if (node && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      const row = rowOf(node.id), at = order().indexOf(row), to = at + (event.key === "ArrowUp" ? -1 : 1);
      event.preventDefault();
      if (at >= 0 && to >= 0 && to < order().length) act({ kind: "move", path: ["net", row], to });
    }
  });
  pane.addEventListener("pointerover", (event) => hovered(event.target.closest?.("g[id]")?.id || null));
  pane.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });

  function zoomBy(factor) { scale(Math.min(8, Math.max(0.1, (zoom || shown()) * factor))); }

  return { draw, zoomBy, fit: () => scale(0), adding, close, rowOf };
}
