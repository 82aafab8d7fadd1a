// Draws the figure that Python built (patients/timeline/figure.py) and lets mouse, finger and keyboard read it.
(function () {
  "use strict";
  const root = document.getElementById("timeline");
  const source = document.getElementById("figure");
  if (!root || !source || typeof Plotly === "undefined") return;

  const inTheseColours = window.inTheseColours; // static/js/figure-colours.js
  const DAY = 86400000;
  const NEAR_PX = 28;
  const LETTER_PX = 6.2; // on average; patients/timeline/event_row.py reckons with the same
  const CONFIG = {
    displayModeBar: false,
    displaylogo: false,
    showSendToCloud: false,
    plotlyServerURL: "",
    responsive: true,
    scrollZoom: false,
    doubleClick: false,
    showTips: false,
  };
  const PAPER_PX = 680; // between the margins of an A4 page
  const phone = matchMedia("screen and (max-width: 760px)");
  const touch = matchMedia("(pointer: coarse)");
  const plot = root.querySelector("[data-plot]");
  const host = root.querySelector("[data-figure]");
  const tip = root.querySelector("[data-tip]");
  const cross = root.querySelector("[data-cross]");
  const said = root.querySelector("[data-said]");
  const from = root.querySelector("#from");
  const to = root.querySelector("#to");
  const given = JSON.parse(source.textContent);
  const visits = given.visits;
  const times = visits.map(function (visit) { return Date.parse(visit.x); });
  const ends = given.ends.map(function (moment) { return Date.parse(moment); }); // of visits with photos or a self-report
  const whole = given.layout.xaxis.range.map(Date.parse);
  const scales = given.scales;
  const shown = { photos: true, event: true };
  const state = { view: "stacked", range: whole, at: -1, isOnPaper: false };
  let place;

  // --- The figure of the chosen view

  function chosenFigure() {
    const isApart = state.view === "apart";
    const data = isApart
      ? given.data.filter(function (trace) { return trace.yaxis !== "y2"; }).concat(given.apart.data)
      : given.data;
    return inTheseColours({ data: data, layout: isApart ? given.apart.layout : given.layout }, given.days);
  }

  function iso(time) {
    return new Date(time).toISOString().slice(0, 10);
  }

  // Plotly writes "2026-11-20 13:45:00.5" and means UTC.
  function utc(text) {
    return Date.parse(text.length > 10 ? text.replace(" ", "T") + "Z" : text);
  }

  function inView(time) {
    return time >= state.range[0] && time <= state.range[1];
  }

  // The dots of photos, unless there are so many that nothing can be read between them.
  function dots() {
    const seen = visits.filter(function (_, k) { return inView(times[k]); });
    const count = seen.reduce(function (sum, visit) { return sum + visit.y.length; }, 0);
    const box = root.querySelector("[data-show=photos]");
    box.disabled = count > given.mostDots;
    root.querySelector("[data-legend=photos]").hidden = box.disabled || !shown.photos;
    root.querySelector("[data-too-many]").hidden = !box.disabled;
    if (box.disabled || !shown.photos) return { x: [], y: [] };
    return {
      x: seen.flatMap(function (visit) { return visit.y.map(function () { return visit.x; }); }),
      y: seen.flatMap(function (visit) { return visit.y; }),
    };
  }

  function plotWidth(layout) {
    return Math.max(1, (state.isOnPaper ? PAPER_PX : plot.clientWidth) - layout.margin.l - layout.margin.r);
  }

  // Six tenths of the way to the next visit, at most 1.8 % of the view, and edge to edge where a visit has fewer than 5 px.
  function barWidths(layout) {
    const span = state.range[1] - state.range[0];
    const px = plotWidth(layout);
    const most = span * Math.max(0.018, 9 / px);
    return given.rooms.map(function (room) {
      const roomPx = room / span * px;
      return Math.min(most, Math.max(span / px, room * (roomPx < 5 ? 1 : 0.6)));
    });
  }

  // Symbols shrink where visits stand closer than 14 px.
  function crowding(layout) {
    const seen = times.filter(inView).length;
    return Math.max(0.4, Math.min(1, plotWidth(layout) / Math.max(1, seen) / 14));
  }

  function shrink(trace, by) {
    const marker = trace.marker;
    marker.size = Array.isArray(marker.size) ? marker.size.map(function (size) { return size * by; }) : marker.size * by;
    if (marker.line && marker.line.width) marker.line.width *= by;
    if (trace.error_y) trace.error_y.width = 0;
  }

  function fillTraces(data, layout) {
    const widths = barWidths(layout);
    const known = widths.filter(function (_, k) { return visits[k].top.length; });
    const by = crowding(layout);
    data.forEach(function (trace) {
      if (trace.type === "bar") trace.width = trace.yaxis === "y3" ? widths : known;
      if (trace.type === "bar" && by < 0.6 && trace.name !== "missing") trace.marker.line.width = 0;
      if (trace.type === "scatter" && trace.name !== "photos" && trace.marker && by < 1) {
        shrink(trace, trace.name === "outside" ? Math.max(by, 0.65) : by);
      }
      if (trace.name === "photos") Object.assign(trace, dots());
      if (trace.name === "event" || scales.some(function (each) { return each.name === trace.name; })) {
        trace.visible = Boolean(shown[trace.name]);
      }
    });
  }

  function placeTicks(axis) {
    const days = (state.range[1] - state.range[0]) / DAY;
    const ticks = given.ticks.find(function (each) { return days <= each.days; });
    axis.dtick = phone.matches ? ticks.phone : ticks.desktop;
    axis.tickformat = ticks.form;
    axis.range = state.range.map(function (time) { return new Date(time).toISOString().slice(0, 19); });
  }

  // The label of something that began before the view and still lasts stands at the left edge.
  function keepLabels(notes) {
    const labels = notes.filter(function (note) { return note.name === "event"; });
    labels.forEach(function (note, k) {
      if (Date.parse(note.x) < state.range[0] && Date.parse(given.until[k]) > state.range[0]) note.x = iso(state.range[0] + DAY);
    });
  }

  // Scales that are shown write their ticks side by side in the right margin, beyond the limits of the usual range.
  function placeScales(layout) {
    const seen = scales.filter(function (each) { return shown[each.name]; });
    seen.forEach(function (each, k) {
      layout[each.axis].visible = true;
      layout[each.axis].ticklabelstandoff = (phone.matches ? 2 : 58) + 20 * k;
    });
    if (seen.length) layout.margin.r += 20 * (phone.matches ? seen.length : seen.length - 1) + (phone.matches ? 0 : 14);
  }

  function arrange(layout) {
    placeTicks(layout.xaxis);
    layout.dragmode = touch.matches ? false : "pan";
    layout.shapes = layout.shapes.filter(function (shape) { return shape.name !== "event" || shown.event; });
    keepLabels(layout.annotations);
    layout.annotations = layout.annotations.filter(function (note) {
      if (note.name === "event") return shown.event && !phone.matches && inView(Date.parse(note.x));
      if (note.name === "gap" || note.name === "version") return inView(Date.parse(note.x)) && !(phone.matches && note.name === "gap");
      return note.name !== "side" || !phone.matches;
    });
    if (phone.matches) arrangeForPhone(layout);
    placeScales(layout);
    turnLabels(layout);
  }

  // A label that would end outside of the figure stands to the left of its start.
  function turnLabels(layout) {
    const right = layout.margin.r;
    const inside = plotWidth(layout);
    layout.annotations.forEach(function (note) {
      if (note.name !== "event") return;
      const x = inside * (Date.parse(note.x) - state.range[0]) / (state.range[1] - state.range[0]);
      const room = note.text.length * LETTER_PX + 16;
      if (x + room > inside + right && x + layout.margin.l > room) Object.assign(note, { xanchor: "right", xshift: -8 });
    });
  }

  function arrangeForPhone(layout) {
    layout.height -= 40;
    layout.margin.l = 44;
    layout.margin.r = 12;
    layout.xaxis.tickangle = 0;
    layout.annotations.forEach(function (note) { if (note.name === "title") note.xshift = -44; });
    if (layout.yaxis4) layout.yaxis4.ticktext = given.lanes;
  }

  function draw() {
    const figure = chosenFigure();
    arrange(figure.layout);
    fillTraces(figure.data, figure.layout);
    root.querySelector("[data-legend=stacked]").hidden = state.view === "apart";
    scales.forEach(function (each) { root.querySelector("[data-legend=" + each.name + "]").hidden = !shown[each.name]; });
    place = { left: figure.layout.margin.l, right: figure.layout.margin.r };
    if (state.isOnPaper) figure.layout.width = PAPER_PX;
    Plotly.react(host, figure.data, figure.layout, CONFIG);
    if (state.at >= 0) point(state.at);
  }

  // --- One card and one line for all rows; the same for mouse, finger and arrow keys

  function xOf(k) {
    const width = plot.clientWidth - place.left - place.right;
    return place.left + width * (times[k] - state.range[0]) / (state.range[1] - state.range[0]);
  }

  function legendOf(share) {
    return root.querySelector(".legend--expr ." + share.expression);
  }

  function nameOf(share) {
    return legendOf(share).parentElement.textContent.trim();
  }

  function topLine(share) {
    const line = document.createElement("li");
    const name = document.createElement("span");
    const value = document.createElement("b");
    name.className = "expr";
    name.append(legendOf(share).cloneNode(true), nameOf(share));
    value.textContent = share.share;
    line.append(name, value);
    return line;
  }

  function fillCard(visit) {
    tip.querySelectorAll("[data-field]").forEach(function (field) {
      const value = visit[field.dataset.field];
      if (field.dataset.field === "top") field.replaceChildren.apply(field, value.map(topLine));
      else field.textContent = value;
    });
  }

  function point(k) {
    state.at = k;
    const isOut = k < 0 || !inView(times[k]);
    tip.hidden = cross.hidden = isOut;
    if (isOut) return;
    fillCard(visits[k]);
    const x = xOf(k);
    const fits = x + 16 + tip.offsetWidth < plot.clientWidth;
    const left = fits ? x + 16 : Math.max(0, x - 16 - tip.offsetWidth);
    cross.style.transform = "translateX(" + Math.round(x) + "px)";
    tip.style.transform = "translateX(" + Math.round(left) + "px)";
  }

  function nearest(x) {
    let best = -1;
    let near = NEAR_PX;
    visits.forEach(function (_, k) {
      const distance = Math.abs(xOf(k) - x);
      if (inView(times[k]) && distance < near) {
        near = distance;
        best = k;
      }
    });
    return best;
  }

  function say(k) {
    const visit = visits[k];
    const top = visit.top.map(function (share) { return nameOf(share) + " " + share.share; });
    said.textContent = [visit.date, said.dataset.index + " " + visit.valence, visit.interval, visit.where, visit.n]
      .concat(top, visit.said, visit.events)
      .filter(Boolean)
      .join(", ");
  }

  function open(k) {
    location.href = visits[k].href;
  }

  // Steps to a visit; one outside the view moves the view and keeps its length.
  function step(k) {
    if (!inView(times[k])) {
      const span = state.range[1] - state.range[0];
      const room = span * 0.05;
      const start = times[k] < state.range[0] ? times[k] - room : times[k] + room - span;
      show([start, start + span], null);
    }
    point(k);
    say(k);
  }

  function lastInView() {
    for (let k = visits.length - 1; k >= 0; k -= 1) if (inView(times[k])) return k;
    return visits.length - 1;
  }

  plot.addEventListener("pointermove", function (event) {
    if (event.pointerType === "touch") return;
    const k = nearest(event.clientX - plot.getBoundingClientRect().left);
    if (k !== state.at) point(k);
    plot.classList.toggle("is-near", k >= 0);
  });
  plot.addEventListener("pointerleave", function (event) { if (event.pointerType !== "touch") point(-1); });
  plot.addEventListener("blur", function () { point(-1); });

  // A click opens a visit, a drag moves the view. A finger's first tap shows the card, the second opens the visit.
  // Plotly repeats every click as one of its own: with a mouse only that one arrives, with a finger both do.
  let pressed = { type: "", x: 0, y: 0 };
  plot.addEventListener("pointerdown", function (event) {
    pressed = { type: event.pointerType, x: event.clientX, y: event.clientY, was: state.at };
  });
  plot.addEventListener("click", function (event) {
    if (Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 5) return;
    if (pressed.type === "touch" && !event.isTrusted) return;
    const k = nearest(event.clientX - plot.getBoundingClientRect().left);
    if (k < 0) point(-1);
    else if (pressed.type === "touch" && k !== pressed.was) {
      point(k);
      say(k);
    } else open(k);
  });

  plot.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = state.at;
    const last = visits.length - 1;
    const steps = {
      ArrowLeft: function () { step(at < 0 ? lastInView() : Math.max(0, at - 1)); },
      ArrowRight: function () { step(at < 0 ? lastInView() : Math.min(last, at + 1)); },
      Home: function () { step(0); },
      End: function () { step(last); },
      Escape: function () { point(-1); said.textContent = ""; },
      Enter: function () { if (at >= 0) open(at); },
    };
    if (!steps[event.key]) return;
    event.preventDefault();
    steps[event.key]();
  });

  // --- Range, toggles, view

  // Shows the days of `range`. `months` names the pressed button; null presses none.
  function show(range, months) {
    state.range = range;
    from.value = iso(Math.max(range[0], months === 0 ? ends[0] : -Infinity));
    to.value = iso(Math.min(range[1], months === null ? Infinity : ends[1]));
    from.setCustomValidity("");
    root.querySelectorAll("[data-months]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(months !== null && +button.dataset.months === months));
    });
    draw();
  }

  function showMonths(months) {
    if (!months) return show(whole, 0);
    const start = new Date(ends[1]);
    start.setUTCMonth(start.getUTCMonth() - months);
    const room = (ends[1] - start) * 0.05;
    show([+start - room / 2, ends[1] + room], months);
  }

  function showDates() {
    const start = Date.parse(from.value);
    const end = Date.parse(to.value);
    if (isNaN(start) || isNaN(end)) return;
    from.setCustomValidity(start > end ? from.dataset.order : "");
    if (!from.reportValidity()) return;
    const room = Math.max(3 * DAY, (end - start) * 0.032);
    state.range = [start - room, end + room];
    root.querySelectorAll("[data-months]").forEach(function (button) { button.setAttribute("aria-pressed", "false"); });
    draw();
  }

  root.querySelectorAll("[data-months]").forEach(function (button) {
    button.addEventListener("click", function () { showMonths(+button.dataset.months); });
  });
  from.addEventListener("change", showDates);
  to.addEventListener("change", showDates);
  root.querySelectorAll("[data-view]").forEach(function (button) {
    button.addEventListener("click", function () {
      state.view = button.dataset.view;
      root.querySelectorAll("[data-view]").forEach(function (each) {
        each.setAttribute("aria-pressed", String(each === button));
      });
      draw();
    });
  });
  root.querySelectorAll("[data-show]").forEach(function (box) {
    box.checked = Boolean(shown[box.dataset.show]);
    box.addEventListener("change", function () {
      shown[box.dataset.show] = box.checked;
      draw();
    });
  });

  addEventListener("themechange", draw);
  ["beforeprint", "afterprint"].forEach(function (name) {
    addEventListener(name, function () {
      state.isOnPaper = name === "beforeprint";
      point(-1);
      draw();
      if (!state.isOnPaper) Plotly.Plots.resize(host);
    });
  });
  phone.addEventListener("change", draw);

  CONFIG.locale = given.locale.name;
  CONFIG.locales = {};
  CONFIG.locales[CONFIG.locale] = {
    dictionary: {},
    format: { months: given.locale.months, shortMonths: given.locale.shortMonths },
  };
  root.querySelector("[data-failed]").remove();
  if (phone.matches) showMonths(12);
  else draw();

  // Dragging moves the view: the fields follow, and bars and dots are drawn for what is seen now.
  host.on("plotly_relayout", function (change) {
    const seen = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (seen[0] !== undefined) show(seen.map(utc), null);
  });
})();
