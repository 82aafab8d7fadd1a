// The figure for the current view: its range, its width and the rows that are switched on. Changes nothing on the page.
(function () {
  "use strict";
  const DAY = 86400000;
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

  function seenVisits(given, view) {
    return given.visits.filter(function (visit) { return isIn(view, Date.parse(visit.x)); });
  }

  // One dot for each photo.
  function dots(given, view) {
    const seen = view.hasDots ? seenVisits(given, view) : [];
    return {
      x: seen.flatMap(function (visit) { return visit.y.map(function () { return visit.x; }); }),
      y: seen.flatMap(function (visit) { return visit.y; }),
    };
  }

  // 60 % of the distance to the next visit, at most 1.8 % of the view, and all of it where that is less than 5 px.
  function barWidths(given, view, layout) {
    const px = plotWidth(view, layout);
    const most = span(view) * Math.max(0.018, 9 / px);
    return given.rooms.map(function (room) {
      const roomPx = room / span(view) * px;
      return Math.min(most, Math.max(span(view) / px, room * (roomPx < 5 ? 1 : 0.6)));
    });
  }

  // Symbols shrink where visits stand closer than 14 px.
  function crowding(given, view, layout) {
    const seen = seenVisits(given, view).length;
    return Math.max(0.4, Math.min(1, plotWidth(view, layout) / Math.max(1, seen) / 14));
  }

  function shrink(trace, by) {
    const marker = trace.marker;
    marker.size = Array.isArray(marker.size) ? marker.size.map(function (size) { return size * by; }) : marker.size * by;
    if (marker.line && marker.line.width) marker.line.width *= by;
    if (trace.error_y) trace.error_y.width = 0;
  }

  function fillTraces(given, view, data, layout) {
    const widths = barWidths(given, view, layout);
    const known = widths.filter(function (_, k) { return given.visits[k].top.length; });
    const by = crowding(given, view, layout);
    data.forEach(function (trace) {
      if (trace.type === "bar") trace.width = trace.yaxis === "y3" ? widths : known;
      if (trace.type === "bar" && by < 0.6 && trace.name !== "missing") trace.marker.line.width = 0;
      if (trace.type === "scatter" && trace.name !== "photos" && trace.marker && by < 1) {
        shrink(trace, trace.name === "outside" ? Math.max(by, 0.65) : by);
      }
      if (trace.name === "photos") Object.assign(trace, dots(given, view));
      if (trace.name === "event" || given.scales.some(function (each) { return each.name === trace.name; })) {
        trace.visible = Boolean(view.shown[trace.name]);
      }
    });
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

  // The ticks of the scales shown stand side by side in the right margin, beyond the limits of the usual range.
  function placeScales(given, view, layout) {
    const seen = given.scales.filter(function (each) { return view.shown[each.name]; });
    seen.forEach(function (each, k) {
      layout[each.axis].visible = true;
      layout[each.axis].ticklabelstandoff = (view.isPhone ? 2 : 58) + 20 * k;
    });
    if (seen.length) layout.margin.r += 20 * (view.isPhone ? seen.length : seen.length - 1) + (view.isPhone ? 0 : 14);
  }

  // A label that would not fit into the figure is placed to the left of its start.
  function turnLabels(view, layout) {
    const right = layout.margin.r;
    const inside = plotWidth(view, layout);
    layout.annotations.forEach(function (note) {
      if (note.name !== "event") return;
      const x = inside * (Date.parse(note.x) - view.range[0]) / span(view);
      const room = note.text.length * LETTER_PX + 16;
      if (x + room > inside + right && x + layout.margin.l > room) Object.assign(note, { xanchor: "right", xshift: -8 });
    });
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
    layout.annotations.forEach(function (note) { if (note.name === "title") note.xshift = -44; });
    if (layout.yaxis4) layout.yaxis4.ticktext = given.lanes;
  }

  function arrange(given, view, layout) {
    placeTicks(given, view, layout.xaxis);
    layout.dragmode = view.isTouch ? false : "pan";
    layout.shapes = layout.shapes.filter(function (shape) { return shape.name !== "event" || view.shown.event; });
    keepLabels(given, view, layout.annotations);
    layout.annotations = layout.annotations.filter(function (note) { return isNoted(view, note); });
    if (view.isPhone) arrangeForPhone(given, layout);
    placeScales(given, view, layout);
    turnLabels(view, layout);
  }

  // `given` is what Python built (patients/timeline/plot/figure.py). `view` holds the range in milliseconds, widthPx of figure and
  // margins, isSmallMultiples, isPhone, isTouch, hasDots, and in `shown` the rows that are switched on.
  window.figureAsSeen = function (given, view) {
    const data = view.isSmallMultiples
      ? given.data.filter(function (trace) { return trace.yaxis !== "y2"; }).concat(given.smallMultiples.data)
      : given.data;
    const layout = view.isSmallMultiples ? given.smallMultiples.layout : given.layout;
    const figure = window.inTheseColours({ data: data, layout: layout }, given.days); // a copy; static/js/figure-colours.js
    arrange(given, view, figure.layout);
    fillTraces(given, view, figure.data, figure.layout);
    return figure;
  };
})();
