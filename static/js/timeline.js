// Draws the figure that Python built (patients/timeline/plot/figure.py) and lets mouse, finger and keyboard read it.
(function () {
  "use strict";
  const root = document.getElementById("timeline");
  const source = document.getElementById("figure");
  if (!root || !source || typeof Plotly === "undefined") return;

  const DAY = 86400000;
  const EARLIEST = Date.UTC(1900, 0);
  const NEAR_PX = 28;
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
  const PAPER_HEIGHT_PX = 570; // with the banner and the sentence on one sheet
  const phone = matchMedia("screen and (max-width: 760px)");
  const touch = matchMedia("(pointer: coarse)");
  const plot = root.querySelector("[data-plot]");
  const host = root.querySelector("[data-figure]");
  const tip = root.querySelector("[data-tip]");
  const cross = root.querySelector("[data-cross]");
  const said = root.querySelector("[data-said]");
  const from = root.querySelector("#from");
  const to = root.querySelector("#to");
  const wrong = root.querySelector("[data-order]");
  const given = JSON.parse(source.textContent);
  const visits = given.visits;
  const times = visits.map(function (visit) { return Date.parse(visit.x); });
  const ends = given.ends.map(function (moment) { return Date.parse(moment); }); // of visits with photos or a self-report
  const whole = given.layout.xaxis.range.map(Date.parse);
  const shown = {}; // what the menu switches on
  const views = Array.from(root.querySelectorAll("[data-view]"));
  const state = { view: "", range: whole, at: -1, isOnPaper: false };
  let place;

  // --- Drawing

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

  // Whether photos have dots of their own: not where there are so many that nothing can be read between them.
  function offerDots() {
    const count = visits.reduce(function (sum, visit, k) { return sum + (inView(times[k]) ? visit.y.length : 0); }, 0);
    const box = root.querySelector("[data-show=photos]");
    box.disabled = count > given.mostDots;
    root.querySelector("[data-legend=photos]").hidden = box.disabled || !shown.photos;
    root.querySelectorAll("[data-legend=labels]").forEach(function (mark) { mark.hidden = !shown.labels; });
    root.querySelector("[data-too-many]").hidden = !box.disabled;
    root.querySelector("[data-photos]").hidden = box.disabled;
    return !box.disabled && shown.photos;
  }

  // The names of the expressions stand beside the title of their row.
  function placeLegend(layout) {
    const legend = root.querySelector("[data-legend=stacked]");
    legend.hidden = state.view === "small-multiples";
    if (legend.hidden) return;
    const inside = layout.height - layout.margin.t - layout.margin.b;
    const title = layout.annotations.find(function (note) { return note.name === "title:expressions"; });
    legend.style.top = Math.round((1 - layout.yaxis2.domain[1]) * inside - title.yshift) + "px";
  }

  // How high the figure can be, so that its events are seen without scrolling.
  function room() {
    if (state.isOnPaper) return PAPER_HEIGHT_PX;
    return phone.matches ? Infinity : innerHeight - (host.getBoundingClientRect().top + scrollY);
  }

  function draw() {
    const figure = window.figureAsSeen(given, { // static/js/figure-view.js
      range: state.range,
      widthPx: state.isOnPaper ? PAPER_PX : plot.clientWidth,
      roomPx: room(),
      isSmallMultiples: state.view === "small-multiples",
      isPhone: phone.matches,
      isTouch: touch.matches,
      hasDots: offerDots(),
      shown: shown,
    });
    placeLegend(figure.layout);
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

  function legendOf(top) {
    return root.querySelector(".legend--expr ." + top.expression);
  }

  function nameOf(top) {
    return legendOf(top).parentElement.textContent.trim();
  }

  function topLine(top) {
    const line = document.createElement("li");
    const name = document.createElement("span");
    const value = document.createElement("b");
    name.className = "expr";
    name.append(legendOf(top).cloneNode(true), nameOf(top));
    value.textContent = top.probability;
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
    const top = visit.top.map(function (each) { return nameOf(each) + " " + each.probability; });
    said.textContent = [visit.date, said.dataset.index + " " + visit.valence, visit.interval, visit.where, visit.n]
      .concat(top, visit.own, visit.said, visit.events)
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
    wrong.textContent = "";
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

  // While a year is typed the field briefly holds the years 2, 20 and 202.
  function showDates() {
    const start = Date.parse(from.value);
    const end = Date.parse(to.value);
    if (!(Math.min(start, end) > EARLIEST)) return;
    wrong.textContent = start > end ? wrong.dataset.order : "";
    if (start > end) return;
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
  state.view = views.find(function (button) { return button.getAttribute("aria-pressed") === "true"; }).dataset.view;
  views.forEach(function (button) {
    button.addEventListener("click", function () {
      state.view = button.dataset.view;
      views.forEach(function (each) { each.setAttribute("aria-pressed", String(each === button)); });
      keep("separate", state.view === "small-multiples");
      draw();
    });
  });

  // What a person shows they find again on every patient and every computer. A choice that does not arrive holds for this page.
  function keep(row, isShown) {
    const fields = new URLSearchParams({ row: row, shown: isShown ? "1" : "0" });
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    fetch(root.dataset.keep, { method: "POST", body: fields, headers: headers, keepalive: true }).catch(function () {});
  }

  function countShown() {
    root.querySelector("[data-shown]").textContent = Object.values(shown).filter(Boolean).length;
  }

  root.querySelectorAll("[data-show]").forEach(function (box) {
    shown[box.dataset.show] = box.checked = box.defaultChecked; // a reload begins anew in every browser
    box.addEventListener("change", function () {
      shown[box.dataset.show] = box.checked;
      keep(box.dataset.show, box.checked);
      countShown();
      draw();
    });
  });
  countShown();

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
  let resized;
  addEventListener("resize", function () {
    clearTimeout(resized);
    resized = setTimeout(function () { if (!state.isOnPaper) draw(); }, 150);
  });

  CONFIG.locale = given.locale.name;
  CONFIG.locales = {};
  CONFIG.locales[CONFIG.locale] = {
    dictionary: {},
    format: { months: given.locale.months, shortMonths: given.locale.shortMonths },
  };
  root.querySelector("[data-failed]").remove();
  if (phone.matches) showMonths(12);
  else draw();

  // Dragging moves the view: the date fields follow, and bars and dots are redrawn for the new range.
  host.on("plotly_relayout", function (change) {
    const seen = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (seen[0] !== undefined) show(seen.map(utc), null);
  });
})();
