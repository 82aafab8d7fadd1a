// The figure for the current view: its range, its width and the rows that are switched on. Changes nothing on the page.
(function () {
  "use strict";
  const DAY = 86400000;
  const LOW_TITLE_PX = 4;
  const LINE_PX = 13; // between two names of an axis
  const LETTER_PX = 6.2; // on average; patients/timeline/plot/event_row.py uses the same number

  function isIn(view, time) {
    return time >= view.range[0] && time <= view.range[1];
  }

  function span(view) {
    return view.range[1] - view.range[0];
  }

  function plotWidth(view, layout) {
    return Math.max(1, view.widthPx - layout.margin.l - layout.margin.r);
  }

  // The same for all functions below: a moment's pixel from the left edge of the plot, and back.
  function scaleOf(view, layout) {
    const px = plotWidth(view, layout);
    return {
      at: function (moment) { return (Date.parse(moment) - view.range[0]) / span(view) * px; },
      moment: function (at) { return view.range[0] + at / px * span(view); },
      length: function (width) { return width / px * span(view); },
    };
  }

  function rowPx(layout, axis) {
    return (axis.domain[1] - axis.domain[0]) * (layout.height - layout.margin.t - layout.margin.b);
  }

  // Where each photo stands beside the line of its visit (static/js/figure-marks.js says how far), and its own label.
  function photoPlaces(given, view, layout, scale) {
    const unit = rowPx(layout, layout.yaxis) / 2; // of an axis from -1 to 1
    const found = [];
    const places = given.visits.map(function (visit) { return scale.at(visit.x); });
    given.visits.forEach(function (visit, k) {
      if (!visit.y.length || !isIn(view, Date.parse(visit.x))) return;
      const ys = visit.y.map(function (value) { return value * unit; });
      const mean = ys.reduce(function (sum, y) { return sum + y; }, 0) / ys.length;
      const left = k ? (places[k] - places[k - 1]) / 2 - 2 : Infinity;
      const right = k < places.length - 1 ? (places[k + 1] - places[k]) / 2 - 2 : Infinity;
      window.figureMarks.nudges(ys, mean, left, right).forEach(function (off, n) {
        const time = Math.max(view.range[0], Math.min(view.range[1], scale.moment(places[k] + off)));
        found.push({ x: new Date(time).toISOString(), y: visit.y[n], label: visit.labels[n] });
      });
    });
    return found;
  }

  // Fills in the photos: a dot for each, or the mark of its own label where labels are shown.
  function fillPhotos(trace, places, view) {
    const label = trace.name.split(":")[1];
    const own = places.filter(function (place) {
      if (label) return place.label === label;
      return view.hasDots && !(view.shown.labels && place.label);
    });
    trace.x = own.map(function (place) { return place.x; });
    trace.y = own.map(function (place) { return place.y; });
  }

  function isOwnLabel(trace) {
    return (trace.name || "").startsWith("own:");
  }

  function fillBars(bars, scale, trace) {
    trace.x = bars.map(function (bar) { return new Date(scale.moment(bar.centre)).toISOString(); });
    trace.width = bars.map(function (bar) { return scale.length(bar.width); });
    const marker = trace.marker;
    const line = marker.line.width;
    marker.line.width = bars.map(function (bar) { return bar.hasLines ? line : 0; });
    if (!marker.pattern) return;
    // Missing photos: hatched, and pale where a hatch would not be seen.
    marker.pattern.shape = bars.map(function (bar) { return bar.hasLines ? "/" : ""; });
    marker.color = marker.line.color; // of the hatch too: Plotly ignores fgcolor where shapes differ from bar to bar
    marker.opacity = bars.map(function (bar) { return bar.hasLines ? 1 : 0.4; });
  }

  // Shrinks each symbol by its own neighbourhood.
  function shrink(trace, by) {
    const factors = trace.x.map(function (moment) { return moment === null ? 1 : by(moment); });
    trace.marker.opacity = 1; // Plotly takes marks of many sizes for bubbles and makes them pale
    const shrunk = function (value) {
      return factors.map(function (factor, k) { return factor * (Array.isArray(value) ? value[k] : value); });
    };
    trace.marker.size = shrunk(trace.marker.size);
    if (trace.marker.line && trace.marker.line.width) trace.marker.line.width = shrunk(trace.marker.line.width);
    // Whiskers have one width for all: none where most visits stand in a crowd.
    const crowded = factors.filter(function (factor) { return factor < 1; }).length;
    if (trace.error_y && crowded > factors.length / 2) trace.error_y.width = 0;
  }

  // The weaker the data, the smaller the mark, in whatever crowd: no hollow one is larger than the smallest filled one in view.
  function keepOrder(view, traces) {
    const sizes = function (name) {
      const trace = traces.find(function (each) { return each.name === name; });
      const isSeen = function (_, k) { return isIn(view, Date.parse(trace.x[k])); };
      return { trace: trace, least: Math.min.apply(null, trace.marker.size.filter(isSeen)) };
    };
    const full = sizes("visits");
    const hollow = sizes("sparse").trace.marker;
    hollow.size = hollow.size.map(function (size, k) { return Math.min(size, full.least - hollow.line.width[k] - 1); });
    const dot = traces.find(function (trace) { return trace.name === "photos"; }).marker;
    dot.size = Math.min(dot.size, Math.min(full.least, sizes("sparse").least) / 2);
  }

  function fillTraces(given, view, data, layout) {
    const scale = scaleOf(view, layout);
    const places = given.visits.map(function (visit) { return scale.at(visit.x); });
    const bars = window.figureMarks.bars(places);
    const counted = bars.filter(function (_, k) { return given.visits[k].top.length; }); // expressions need a photo that counts
    const factor = window.figureMarks.shrinking(places);
    const photos = view.hasDots || view.shown.labels ? photoPlaces(given, view, layout, scale) : [];
    const known = new Map();
    const by = function (moment) {
      if (!known.has(moment)) known.set(moment, factor(scale.at(moment)));
      return known.get(moment);
    };
    data.forEach(function (trace) {
      if (trace.type === "bar") fillBars(trace.yaxis === "y3" ? bars : counted, scale, trace);
      else if (trace.name === "photos" || isOwnLabel(trace)) fillPhotos(trace, photos, view);
      else if (trace.marker && trace.name !== "event") shrink(trace, by);
    });
    keepOrder(view, data);
  }

  function placeTicks(given, view, axis) {
    const ticks = given.ticks.find(function (each) { return span(view) / DAY <= each.days; });
    axis.dtick = view.isPhone ? ticks.phone : ticks.desktop;
    axis.tickformat = ticks.form;
    axis.range = view.range.map(function (time) { return new Date(time).toISOString().slice(0, 19); });
  }

  // The label of an event that began before the view and still lasts is placed at the left edge.
  function keepLabels(given, view, notes) {
    const labels = notes.filter(function (note) { return note.name === "event"; });
    const edge = new Date(view.range[0] + DAY).toISOString().slice(0, 10);
    labels.forEach(function (note, k) {
      if (Date.parse(note.x) < view.range[0] && Date.parse(given.until[k]) > view.range[0]) note.x = edge;
    });
  }

  // The parts of the figure that are lower than Python drew them, each with the share of it that stays: none of a hidden row, and of
  // the others as much as the room has place for.
  function lowered(frame, view, layout) {
    const hidden = Object.keys(frame.rows)
      .filter(function (name) { return !view.shown[name]; })
      .map(function (name) { return frame.rows[name].concat(0); });
    const others = frame.parts.filter(function (part) {
      return !hidden.some(function (row) { return part[0] >= row[0] && part[1] <= row[1]; });
    });
    const saved = function (sum, part) { return sum + (part[1] - part[0]) * (1 - part[2]); };
    const over = layout.height - hidden.reduce(saved, 0) - view.roomPx;
    const by = Math.max(0, Math.min(1, over / others.reduce(saved, 0)));
    return hidden.concat(others.map(function (part) { return [part[0], part[1], 1 - by * (1 - part[2])]; }));
  }

  // Where a note, a shape or the end of a domain lies once these parts are lower. Heights are fractions from the bottom.
  function lifted(frame, parts) {
    const above = function (px) {
      return parts.reduce(function (sum, part) { return sum + Math.max(0, Math.min(px, part[1]) - part[0]) * (1 - part[2]); }, 0);
    };
    return function (fraction) {
      const px = (1 - fraction) * frame.bottom;
      return 1 - (px - above(px)) / (frame.bottom - above(frame.bottom));
    };
  }

  // The name of the row that a note belongs to and goes with: "title:mood".
  function rowOf(note) {
    return (note.name || "").split(":")[1];
  }

  function fitRows(frame, view, layout) {
    const names = Object.keys(frame.rows).filter(function (name) { return !view.shown[name]; });
    const parts = lowered(frame, view, layout);
    const lift = lifted(frame, parts);
    layout.height -= parts.reduce(function (sum, part) { return sum + (part[1] - part[0]) * (1 - part[2]); }, 0);
    layout.annotations = layout.annotations.filter(function (note) { return !names.includes(rowOf(note)); });
    const isLow = parts.some(function (part) { return part[2] > 0 && part[2] < 0.9; });
    layout.annotations.forEach(function (note) {
      if (note.yref === "paper") note.y = lift(note.y);
      // Closer to their row, and clear of the numbers of the row above.
      if (isLow && /^(title|hint)/.test(note.name)) note.yshift = LOW_TITLE_PX;
    });
    layout.shapes.forEach(function (shape) { if (shape.yref === "paper") [shape.y0, shape.y1] = [lift(shape.y0), lift(shape.y1)]; });
    Object.keys(layout).filter(function (key) { return key.startsWith("yaxis"); }).forEach(function (key) {
      layout[key].domain = layout[key].domain.map(lift);
      const px = rowPx(layout, layout[key]);
      if (px < 1) delete layout[key];
      else thinTicks(layout[key], px);
    });
    if (names.includes("event")) layout.xaxis.anchor = "y3";
  }

  // In a low row only the ends of a scale are named.
  function thinTicks(axis, px) {
    const last = axis.tickvals.length - 1;
    if (last === 1 && px * (axis.tickvals[1] - axis.tickvals[0]) / (axis.range[1] - axis.range[0]) < LINE_PX) {
      Object.assign(axis, { tickvals: axis.tickvals.slice(1), ticktext: axis.ticktext.slice(1) });
    }
    const isScale = axis.tickvals[0] === axis.range[0] && axis.tickvals[last] === axis.range[1];
    if (!isScale || last < 2 || px / last >= LINE_PX) return;
    const isEnd = function (_, k) { return k === 0 || k === last; };
    Object.assign(axis, { tickvals: axis.tickvals.filter(isEnd), ticktext: axis.ticktext.filter(isEnd) });
  }

  const pen = document.createElement("canvas").getContext("2d");

  // What a scale says stands beside its title; its last value in view stands in the margin, where a phone has none.
  function placeNotes(view, layout, data) {
    layout.annotations.forEach(function (note, k) {
      const kind = (note.name || "").split(":")[0];
      if (kind === "hint") {
        const title = layout.annotations[k - 1];
        pen.font = "600 " + title.font.size + "px " + layout.font.family;
        note.xshift = title.xshift + pen.measureText(title.text).width + 6;
      }
      if (kind !== "last") return;
      const trace = data.find(function (each) { return each.name === rowOf(note); });
      const at = trace.x.findLastIndex(function (moment) { return moment !== null && isIn(view, Date.parse(moment)); });
      Object.assign(note, { y: trace.y[at], text: at < 0 || view.isPhone ? "" : String(trace.y[at]) });
    });
    layout.annotations = layout.annotations.filter(function (note) { return note.text; });
  }

  // A label that would not fit into the figure is placed to the left of its start; one that would reach the next is cut short.
  function turnLabels(view, layout) {
    const inside = plotWidth(view, layout);
    const free = {}; // by track: where the next label to the right begins
    const labels = layout.annotations.filter(function (note) { return note.name === "event"; });
    labels.sort(function (a, b) { return Date.parse(b.x) - Date.parse(a.x); }).forEach(function (note) {
      const x = inside * (Date.parse(note.x) - view.range[0]) / span(view);
      const px = plain(note.text).length * LETTER_PX + 16;
      const end = note.y in free ? free[note.y] : inside + layout.margin.r;
      const isTurned = x + px > end && !(note.y in free) && x + layout.margin.l > px;
      if (isTurned) Object.assign(note, { xanchor: "right", xshift: -8 });
      else if (x + px > end) note.text = cut(note.text, Math.floor((end - x - 16) / LETTER_PX));
      free[note.y] = isTurned ? x - px : x;
    });
  }

  function plain(text) {
    return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  }

  // The first letters and an ellipsis; nothing if there is no room for three.
  function cut(text, letters) {
    if (letters < 4) return "";
    const start = plain(text).slice(0, letters - 1).trimEnd() + "…";
    return start.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function isNoted(view, note) {
    if (note.name === "event") return view.shown.event && !view.isPhone && isIn(view, Date.parse(note.x));
    if (note.name === "version") return isIn(view, Date.parse(note.x));
    if (note.name === "gap") return isIn(view, Date.parse(note.x)) && !view.isPhone;
    return note.name !== "side" || !view.isPhone;
  }

  function arrangeForPhone(given, layout) {
    layout.height -= 40;
    layout.margin.l = 44;
    layout.margin.r = 12;
    layout.xaxis.tickangle = 0;
    layout.annotations.forEach(function (note) { if (/^title/.test(note.name)) note.xshift = -44; });
    if (layout.yaxis4) layout.yaxis4.ticktext = given.lanes;
  }

  function arrange(given, frame, view, layout) {
    fitRows(frame, view, layout);
    placeTicks(given, view, layout.xaxis);
    layout.dragmode = view.isTouch ? false : "pan";
    layout.shapes = layout.shapes.filter(function (shape) { return shape.name !== "event" || view.shown.event; });
    keepLabels(given, view, layout.annotations);
    layout.annotations = layout.annotations.filter(function (note) { return isNoted(view, note); });
    if (view.isPhone) arrangeForPhone(given, layout);
    turnLabels(view, layout);
  }

  // `given` is what Python built (patients/timeline/plot/figure.py). `view` holds the range in milliseconds, widthPx of figure and
  // margins, roomPx for its height, isSmallMultiples, isPhone, isTouch, hasDots, and in `shown` the rows that are switched on.
  window.figureAsSeen = function (given, view) {
    const data = view.isSmallMultiples
      ? given.data.filter(function (trace) { return trace.yaxis !== "y2"; }).concat(given.smallMultiples.data)
      : given.data;
    const source = view.isSmallMultiples ? given.smallMultiples : given;
    const drawn = data.filter(function (trace) {
      return isOwnLabel(trace) ? view.shown.labels : !(trace.name in source.frame.rows) || view.shown[trace.name];
    });
    const figure = window.inTheseColours({ data: drawn, layout: source.layout }, given.days); // a copy; static/js/figure-colours.js
    arrange(given, source.frame, view, figure.layout);
    placeNotes(view, figure.layout, figure.data);
    fillTraces(given, view, figure.data, figure.layout);
    return figure;
  };
})();
