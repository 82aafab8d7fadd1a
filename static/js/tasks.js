// The page Tasks renews itself: not while no one sees it, and a screen reader hears of starts, ends and failures alone.
(function () {
  "use strict";
  const said = document.getElementById("tasks-said");

  function states() {
    return new Map(Array.from(document.querySelectorAll("[data-task]"), function (row) {
      return [row.dataset.task, row];
    }));
  }

  let before = states();

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.target.id === "tasks" && document.hidden) event.preventDefault();
  });

  document.addEventListener("htmx:afterSettle", function () {
    const now = states();
    const news = [];
    now.forEach(function (row, key) {
      const earlier = before.get(key);
      if (row.dataset.said && (!earlier || earlier.dataset.state !== row.dataset.state)) news.push(row.dataset.said);
    });
    before = now;
    if (news.length) said.textContent = news.join(" ");
  });
})();
