// The editor of a spec: CodeMirror with labels in colour, mistakes and their fixes, completions, and the shape behind
// each row. What is said about the text comes from the server, over `call`.
import {
  Compartment, Decoration, EditorState, EditorView, Prec, RangeSetBuilder, StateEffect, StateField, ViewPlugin,
  WidgetType, autocompletion, bracketMatching, classHighlighter, closeBrackets, closeBracketsKeymap, completionKeymap,
  defaultKeymap, drawSelection, getChunks, highlightActiveLine, highlightSelectionMatches, history, historyKeymap,
  indentOnInput, indentUnit, indentWithTab, keymap, lineNumbers, lintGutter, lintKeymap, search, searchKeymap,
  setDiagnostics, syntaxHighlighting, unifiedMergeView, yaml,
} from "/codemirror.js";

const setShapes = StateEffect.define();
const setLit = StateEffect.define();

class Shape extends WidgetType {
  constructor(text) { super(); this.text = text; }
  eq(other) { return other.text === this.text; }
  toDOM() {
    const made = document.createElement("span");
    made.className = "shape";
    made.textContent = this.text;
    return made;
  }
}

// Decorations that an effect sets anew, and that move with the text until the next.
function decorated(effect, made) {
  return StateField.define({
    create: () => Decoration.none,
    update: (found, change) => change.effects.filter((one) => one.is(effect)).reduce(
      (_, one) => made(one.value, change.state.doc), found.map(change.changes)),
    provide: (field) => EditorView.decorations.from(field),
  });
}

// The shapes that rows hand on, behind their lines.
const shapes = decorated(setShapes, (rows, doc) => Decoration.set(rows.filter((row) => row.line <= doc.lines).map((row) =>
  Decoration.widget({ widget: new Shape(row.shape), side: 1 }).range(doc.line(row.line).to)), true));

// The lines of what is pointed at in the figure.
const lit = decorated(setLit, (lines, doc) => Decoration.set(lines.filter((line) => line <= doc.lines).map((line) =>
  Decoration.line({ class: "lit" }).range(doc.line(line).from))));

// Words of labels and equations, below `blocks`, `net` and the like; the colours are of page.css.
const WORD = /#.*|(?<![\w.-])(\d+(?:x\d+)+|\/\d+(?:x\d+)*|\d+(?:\.\d+)?%?)(?![\w.-])|[A-Za-z_][\w-]*(?!\s*:(?:\s|$))/g;
const PLACES = new Set(["blocks", "net", "unit", "shortcut", "ops", "variants", "input", "let"]);

function labels(words) {
  const marks = Object.fromEntries(["number", "op", "mode", "constant"].map((kind) =>
    [kind, Decoration.mark({ class: `label-${kind}` })]));
  function build(view) {
    const made = new RangeSetBuilder();
    const blocks = new Set(view.state.sliceDoc().match(/^blocks:[^]*?(?=^\S|(?![^]))/m)?.[0].match(/^ {2}[\w-]+(?=:)/gm)
      ?.map((name) => name.trim()));
    for (const { from, to } of view.visibleRanges) {
      for (let at = from; at <= to;) {
        const line = view.state.doc.lineAt(at);
        at = line.to + 1;
        if (!PLACES.has(section(view.state, line.number))) continue;
        const start = line.text.match(/^\s*(?:- )?(?:[\w-]+:(?=\s|$))?/)[0].length;
        for (const word of line.text.slice(start).matchAll(WORD)) {
          if (word[0].startsWith("#")) break;
          const kind = word[1] ? "number" : words[word[0]] || (blocks.has(word[0]) && "op");
          const begin = line.from + start + word.index;
          if (kind) made.add(begin, begin + word[0].length, marks[kind]);
        }
      }
    }
    return made.finish();
  }
  return ViewPlugin.fromClass(class {
    constructor(view) { this.decorations = build(view); }
    update(change) { if (change.docChanged || change.viewportChanged) this.decorations = build(change.view); }
  }, { decorations: (plugin) => plugin.decorations });
}

// The key of the file below which a line stands.
function section(state, number) {
  for (let line = number; line > 0; line--) {
    const found = state.doc.line(line).text.match(/^([A-Za-z_][\w-]*):/);
    if (found) return found[1];
  }
  return "";
}

function completions(call) {
  return async (context) => {
    const word = context.matchBefore(/[A-Za-z_][\w-]*/);
    if (!word && !context.explicit && !/[ :[,(]$/.test(context.state.sliceDoc(context.pos - 1, context.pos))) return null;
    const line = context.state.doc.lineAt(context.pos);
    const place = { text: context.state.sliceDoc(), line: line.number, column: context.pos - line.from + 1 };
    const { candidates } = await call("/complete", place);
    if (context.aborted || !candidates.length) return null;
    const kinds = { op: "function", block: "class", option: "property", mode: "keyword", value: "enum", name: "variable", key: "property", function: "function" };
    return {
      from: word ? word.from : context.pos,
      options: candidates.map((c) => ({ label: c.label, type: kinds[c.kind], detail: c.kind, info: c.about || undefined })),
      validFor: /^[\w-]*$/,
    };
  };
}

// An offset in the text of a line and a column from 1, as the server counts them.
export function offset(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return Math.min(at.from + column - 1, at.to);
}

export function makeEditor({ parent, text, call, words, changed, saved }) {
  const merging = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
        highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), lintGutter(), indentUnit.of("  "),
        yaml(), syntaxHighlighting(classHighlighter), labels(words), shapes, lit, merging.of([]),
        autocompletion({ override: [completions(call)] }),
        EditorView.contentAttributes.of({ "aria-label": "spec", spellcheck: "false", autocapitalize: "off" }),
        Prec.highest(keymap.of([{ key: "Mod-s", run: () => { saved(); return true; }, preventDefault: true }])),
        keymap.of([
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap,
          ...lintKeymap, indentWithTab,
        ]),
        EditorView.updateListener.of((update) => { if (update.docChanged) changed(); }),
      ],
    }),
  });
  view.scrollDOM.tabIndex = 0;  // so that keys scroll it, too
  const change = (edits) => ({
    changes: edits.map((e) => ({
      from: offset(view.state.doc, e.line, e.column), to: offset(view.state.doc, e.end_line, e.end_column), insert: e.text,
    })),
    userEvent: "input",
  });
  return {
    view,
    get text() { return view.state.sliceDoc(); },
    set text(whole) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: whole } });
    },
    edit: (edits) => view.dispatch({ ...change(edits), scrollIntoView: true }),
    show(answer, fixes) {
      const { doc } = view.state;
      const found = answer.diagnostics.map((d) => {
        const from = offset(doc, d.line, d.column), to = Math.max(from, offset(doc, d.line, d.end));
        const mends = fixes.filter((fix) => fix.code === d.code && fix.line === d.line);
        return {
          from, to, severity: d.severity, source: d.code, message: [d.message, ...d.notes, d.help].filter(Boolean).join("\n"),
          actions: mends.map((fix) => ({ name: `write ${fix.edits[0].text}`, apply: () => view.dispatch(change(fix.edits)) })),
        };
      });
      view.dispatch(setDiagnostics(view.state, found));
      view.dispatch({ effects: setShapes.of(answer.rows || []) });
    },
    light: (lines) => view.dispatch({ effects: setLit.of(lines) }),
    select(line, from, to) {
      view.dispatch({
        selection: { anchor: offset(view.state.doc, line, from), head: offset(view.state.doc, line, to ?? from) },
        scrollIntoView: true,
      });
      view.focus();
    },
    // What was written elsewhere meanwhile, as a difference in the text; each part can be taken or left.
    compare: (theirs) => view.dispatch({
      effects: merging.reconfigure(theirs === null ? [] : unifiedMergeView({ original: theirs })),
    }),
    get differences() { return getChunks(view.state)?.chunks.length ?? 0; },
  };
}
