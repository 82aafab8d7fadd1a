// Lets cards that change by themselves ask for their state: soon at first, then less and less often, and more rarely the more of them
// are on the page. A photo takes half a second to read, or minutes behind many others. Such an element has hx-trigger="again consume".
(function () {
  "use strict";
  const asking = '[hx-trigger^="again"]';
  const firstMs = 300;
  const growth = 1.5;
  // When many photos arrive, twenty pages of ten cards that each ask every second or two would take the time in which photos are read.
  // A change is seen at the latest when half as much time again has passed, or after ten seconds.
  const longestMs = 10000;
  const eachMs = 60; // so that a page of many hundred cards asks as often as one of a hundred and sixty

  function askIn(wait, element) {
    setTimeout(function () {
      if (!element.isConnected || !element.matches(asking)) return; // its answer has replaced it, or it exists no longer
      if (!document.hidden) htmx.trigger(element, "again");
      const longest = Math.max(longestMs, eachMs * document.querySelectorAll(asking).length);
      askIn(Math.min(growth * wait, longest), element);
    }, wait);
  }

  document.addEventListener("htmx:afterProcessNode", function (event) {
    if (event.target.matches(asking)) askIn(firstMs, event.target);
  });
  addEventListener("uncovered", function () {
    document.querySelectorAll(asking).forEach(function (element) { askIn(firstMs, element); });
  });
})();
