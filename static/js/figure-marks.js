// What each mark of the figure needs where it stands: its size, its width and its place beside its neighbours. Pixels throughout,
// from the left edge of the plot.
(function () {
  "use strict";
  const CROWD_PX = 35; // to both sides of a mark
  const ROOM_PX = 20; // to both sides of a bar
  const BAR_PX = 4; // bars share what room there is until each has this width
  const WIDEST_PX = 18;
  const GAPS_FROM_PX = 5;
  const LINES_FROM_PX = 6;

  // The mean distance of the places around `at`, which is one of them. `places` are in order.
  function spacing(places, at, reach) {
    const count = places.filter(function (place) { return Math.abs(place - at) <= reach; }).length;
    const first = Math.max(places[0], at - reach);
    const last = Math.min(places[places.length - 1], at + reach);
    return Math.max(reach, last - first) / count;
  }

  // How far marks shrink around each place: not at all until eight pixels are left for each.
  function shrinking(places) {
    return function (at) { return Math.max(0.4, Math.min(1, spacing(places, at, CROWD_PX) / 8)); };
  }

  // The places nearest to `places` that lie at least `least[k]` from the one before: pool adjacent violators.
  function spread(places, least) {
    const blocks = [];
    let sum = 0;
    const shifts = least.map(function (px) { return (sum += px); });
    places.forEach(function (place, k) {
      let block = { mean: place - shifts[k], count: 1 };
      while (blocks.length && blocks[blocks.length - 1].mean > block.mean) {
        const other = blocks.pop();
        const count = other.count + block.count;
        block = { mean: (other.mean * other.count + block.mean * block.count) / count, count: count };
      }
      blocks.push(block);
    });
    return blocks
      .flatMap(function (block) { return Array(block.count).fill(block.mean); })
      .map(function (mean, k) { return mean + shifts[k]; });
  }

  // Where the bars stand, how wide they are and whether lines fit around their parts. Bars that would be thinner than four pixels
  // move apart as far as there is room beside them, and leave no gaps between them.
  function bars(places) {
    const room = places.map(function (at) { return Math.min(BAR_PX, spacing(places, at, ROOM_PX)); });
    const centres = spread(places, room.map(function (px, k) { return k ? Math.min(px, room[k - 1]) : 0; }));
    return centres.map(function (centre, k) {
      const before = k ? centre - centres[k - 1] : Infinity;
      const after = k < centres.length - 1 ? centres[k + 1] - centre : Infinity;
      const free = Math.min(before, after);
      const most = free < GAPS_FROM_PX ? Math.max(BAR_PX / 2, free) : Math.max(BAR_PX, Math.min(WIDEST_PX, 0.6 * free)) / 2;
      const half = function (gap) { return gap < GAPS_FROM_PX ? gap / 2 : Math.min(most, 0.3 * gap); };
      const [start, end] = [centre - half(before), centre + half(after)];
      if (free >= GAPS_FROM_PX) return { centre: (start + end) / 2, width: end - start, hasLines: end - start >= LINES_FROM_PX };
      // On whole pixels: Plotly rounds the edges of thin bars outwards, so that they would cover each other.
      const left = Math.round(start);
      const right = Math.max(left + 1, Math.round(end));
      return { centre: (left + right) / 2, width: right - left - 0.1, hasLines: false };
    });
  }

  // How far the dots of one visit's photos stand beside it, left (negative) and right in turn: 9 px, 14 px beside the mean and its
  // ring, and 4 px more while two would touch. None reaches beyond the middle between two visits. `ys` are in pixels too.
  function nudges(ys, mean, left, right) {
    const placed = [];
    const order = ys.map(function (_, k) { return k; }).sort(function (a, b) { return ys[a] - ys[b]; });
    const found = [];
    order.forEach(function (k, turn) {
      const wantsLeft = turn % 2 === 1;
      const side = (wantsLeft ? left : right) >= 9 || (wantsLeft ? left >= right : right >= left) ? wantsLeft : !wantsLeft;
      const most = Math.max(0, side ? left : right);
      let off = Math.min(most, Math.abs(ys[k] - mean) < 13 ? 14 : 9);
      const touches = function (dot) { return dot.side === side && Math.hypot(dot.off - off, dot.y - ys[k]) < 4; };
      while (off + 4 <= Math.min(most, 26) && placed.some(touches)) off += 4;
      placed.push({ side: side, off: off, y: ys[k] });
      found[k] = side ? -off : off;
    });
    return found;
  }

  window.figureMarks = { shrinking: shrinking, bars: bars, nudges: nudges };
})();
