"use strict";
(() => {
  const root = document.documentElement;
  const plots = [...document.querySelectorAll(".plot")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  // --- Figures: everything that depends on light or dark comes from the style sheet. ---
  const tone = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function themed(layout) {
    const ink = tone("--ink");
    const change = {
      "font.color": ink,
      "font.family": getComputedStyle(document.body).fontFamily,
      "font.size": 12.5,
      "hoverlabel.bgcolor": tone("--paper"),
      "hoverlabel.bordercolor": tone("--line"),
      "hoverlabel.font.color": ink,
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      change[axis + ".gridcolor"] = tone("--grid");
      change[axis + ".linecolor"] = tone("--line");
      change[axis + ".zerolinecolor"] = tone("--line");
    }
    return change;
  }

  function assigned(layout, change) {
    for (const [path, value] of Object.entries(change)) {
      const steps = path.split(".");
      const last = steps.pop();
      let place = layout;
      for (const step of steps) place = place[step] ??= {};
      place[last] = value;
    }
    return layout;
  }

  // --- A narrow screen: the margins that line up axes would leave no room for the picture, and
  // legends stand below it, so that they take none of its height. ---
  const NARROW = 560;
  const LINE = 19;

  function fitted(plot, spec) {
    const {layout} = spec;
    if (plot.clientWidth >= NARROW) return layout;
    const bar = spec.data.some((trace) => trace.type === "heatmap");
    const left = layout.yaxis?.automargin === false && !bar ? 58 : layout.margin.l;
    const right = bar ? layout.margin.r : 12;
    const names = spec.data.filter((trace) => trace.name && trace.showlegend !== false);
    const below = names.length > 1 && layout.showlegend !== false ? LINE * names.length : 0;
    plot.style.height = `${plot.clientHeight + below}px`;
    layout.margin = {...layout.margin, l: left, r: right, b: layout.margin.b + 14 + below};
    layout.legend = {...layout.legend, orientation: "v", y: 0, yref: "container",
                     yanchor: "bottom"};
    return layout;
  }

  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };

  function draw(plot) {
    const spec = JSON.parse(plot.parentElement.querySelector("script.spec").textContent);
    const layout = assigned(fitted(plot, spec), themed(spec.layout));
    return Plotly.newPlot(plot, spec.data, layout, config).then(() => {
      plot.dataset.drawn = "true";
    });
  }

  function repaint(size = {}) {
    for (const plot of plots) {
      if (plot.dataset.drawn) Plotly.relayout(plot, {...themed(plot.layout), ...size});
    }
  }

  // --- Figures of one group: zoom and pointer go together. ---
  function link(plot) {
    const others = plots.filter(
      (other) => other !== plot && other.dataset.group === plot.dataset.group);
    let passing = false;
    plot.on("plotly_relayout", (change) => {
      if (passing || !Object.keys(change).some((key) => key.startsWith("xaxis."))) return;
      const axis = plot.layout.xaxis;
      for (const other of others) {
        const same = String(other.layout.xaxis.range) === String(axis.range);
        if (!same) Plotly.relayout(other, {"xaxis.range": [...axis.range], "xaxis.autorange": false});
      }
    });
    plot.on("plotly_hover", (event) => {
      if (passing || !event.event) return;
      passing = true;
      const at = event.xvals ? event.xvals[0] : event.points[0].x;
      for (const other of others) point(other, at);
      passing = false;
    });
    plot.on("plotly_unhover", () => others.forEach((other) => point(other, null)));
    const line = document.createElement("div");
    line.className = "pointer";
    line.hidden = true;
    Object.assign(line.style, {
      position: "absolute", width: "1px", background: "currentColor", opacity: "0.55",
      pointerEvents: "none",
    });
    plot.append(line);
  }

  function point(plot, at) {
    const line = plot.querySelector(".pointer");
    const {xaxis, yaxis} = plot._fullLayout;
    const left = at === null ? -1 : xaxis.d2p(at);
    line.hidden = !(left >= 0 && left <= xaxis._length);
    line.style.left = `${xaxis._offset + left}px`;
    line.style.top = `${yaxis._offset}px`;
    line.style.height = `${yaxis._length}px`;
  }

  // --- Controls. ---
  for (const button of document.querySelectorAll("[data-change]")) {
    button.addEventListener("click", () => {
      const {traces = {}, ...change} = JSON.parse(button.dataset.change);
      Plotly.update(button.closest("figure").querySelector(".plot"), traces, change);
      for (const other of button.parentElement.querySelectorAll("button")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => {
      const source = document.getElementById(button.dataset.copy);
      const done = () => { button.textContent = "Copied"; };
      const select = () => getSelection().selectAllChildren(source);
      if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(done, select);
      else select();
    });
  }

  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => {
      const text = document.getElementById("data").textContent;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
      link.download = button.dataset.save;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  const themes = {"": "as the system", light: "light", dark: "dark"};
  document.getElementById("theme").addEventListener("click", (event) => {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(root.dataset.theme ?? "") + 1) % names.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    event.target.textContent = "Theme: " + themes[next];
    repaint();
  });
  dark.addEventListener("change", () => repaint());

  // A link to a row of a folded table has to open it first.
  function unfold() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let around = target.closest("details"); around; around = around.parentElement.closest("details")) {
      around.open = true;
    }
    target.scrollIntoView({block: "center"});
  }
  addEventListener("hashchange", unfold);

  // Print on white, as wide as the paper, with the shorter tables open; then put things back.
  const PAPER = 680;
  const ROWS_PRINTED = 60;
  let folded = [];
  let chosen;
  addEventListener("beforeprint", () => {
    chosen = root.dataset.theme;
    root.dataset.theme = "light";
    folded = [...document.querySelectorAll("figure details:not([open])")].filter(
      (details) => details.querySelectorAll("tr").length <= ROWS_PRINTED);
    for (const details of folded) details.open = true;
    repaint({width: PAPER});
  });
  addEventListener("afterprint", () => {
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    for (const details of folded) details.open = false;
    repaint({width: null, autosize: true});
  });

  Promise.all(plots.map(draw)).then(() => {
    plots.filter((plot) => plot.dataset.group).forEach(link);
    root.dataset.ready = "true";
    if (location.hash.startsWith("#component-")) unfold();
  });
})();
