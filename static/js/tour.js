// Cards that explain the first page at first use, one at a time, beside what they explain. The account records that they were seen.
(function () {
  "use strict";
  const tour = document.getElementById("tour");
  if (!tour) return;
  const steps = Array.from(tour.querySelectorAll(".tour__steps > li"));
  const form = tour.querySelector("form");
  const back = tour.querySelector("[data-tour-back]");
  const next = tour.querySelector("[data-tour-next]");
  const skip = tour.querySelector("[data-tour-skip]");
  let at = 0;

  function targetOf(step) {
    return step.dataset.target ? document.querySelector(step.dataset.target) : null;
  }

  function mark(step, isOn) {
    const target = targetOf(step);
    if (target) target.classList.toggle("is-toured", isOn);
    return target;
  }

  function show(k, isMoved) {
    mark(steps[at], false);
    at = k;
    steps.forEach(function (step, n) { step.hidden = n !== k; });
    const isLast = k === steps.length - 1;
    // A hidden button would lose the focus.
    if ((k === 0 && document.activeElement === back) || (isLast && document.activeElement === skip)) next.focus();
    back.hidden = k === 0;
    skip.hidden = isLast;
    next.textContent = isLast ? tour.dataset.done : tour.dataset.next;
    tour.querySelector("[data-tour-at]").textContent = k + 1 + " / " + steps.length;
    const target = mark(steps[k], true);
    if (target && isMoved) target.scrollIntoView({ block: "nearest" });
  }

  // Saved without leaving the page.
  function end() {
    fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).catch(function () {});
    mark(steps[at], false);
    const hadFocus = tour.contains(document.activeElement);
    tour.remove();
    if (hadFocus) document.getElementById("main").focus();
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (event.submitter !== skip && at < steps.length - 1) show(at + 1, true);
    else end();
  });
  back.addEventListener("click", function () { show(at - 1, true); });
  addEventListener("keydown", function (event) {
    if (event.key === "Escape" && tour.contains(event.target)) end();
  });

  tour.hidden = false;
  show(0, false);
})();
