// Photos selected for a change of many at once, and the order of the cards. Without this script the checkboxes and the form do
// the same, and a page that is loaded again is in order.
(function () {
  "use strict";
  const bar = document.getElementById("selection");
  const said = bar.querySelector("[data-selected]");
  const all = bar.querySelector("[data-select-all]");
  const main = document.getElementById("photos");
  const unusable = document.getElementById("unusable");
  const apart = document.getElementById("unusable-photos");
  const selected = new Set(); // ids: a card that is replaced is selected again
  let last = null;

  // Cards in a closed strip are not there to be seen: they are selected once it is open.
  function boxes() {
    return Array.from(document.querySelectorAll('[form="selection"][name="photo"]')).filter(function (box) { return box.checkVisibility(); });
  }

  function show() {
    const n = selected.size;
    said.textContent = n === 1 ? said.dataset.one : said.dataset.many.replace("%s", n);
    bar.classList.toggle("is-open", n > 0);
    all.hidden = boxes().every(function (box) { return box.checked; });
  }

  function set(box, isOn) {
    box.checked = isOn;
    if (isOn) selected.add(box.value);
    else selected.delete(box.value);
    box.closest(".photo").classList.toggle("is-selected", isOn);
  }

  function none() {
    document.querySelectorAll('[form="selection"][name="photo"]').forEach(function (box) { set(box, false); });
    selected.clear();
    last = null;
    show();
  }

  // A click, or Space, with Shift selects all from the last one to this one.
  document.addEventListener("click", function (event) {
    const box = event.target.matches('[form="selection"][name="photo"]') ? event.target : null;
    if (!box) return;
    const shown = boxes();
    const from = event.shiftKey && last ? shown.indexOf(last) : -1;
    const to = shown.indexOf(box);
    if (from >= 0) shown.slice(Math.min(from, to), Math.max(from, to) + 1).forEach(function (each) { set(each, box.checked); });
    else set(box, box.checked);
    last = box;
    show();
  });

  all.addEventListener("click", function () {
    boxes().forEach(function (box) { set(box, true); });
    show();
    bar.querySelector("summary").focus(); // the button is gone
  });

  bar.querySelector("[data-select-none]").addEventListener("click", function () {
    const first = boxes().find(function (box) { return box.checked; });
    none();
    if (first) first.focus();
  });

  addEventListener("keydown", function (event) {
    const isBox = event.target.matches('[form="selection"][name="photo"]');
    if (event.key === "Escape" && selected.size && !event.defaultPrevented && !document.querySelector("details.menu[open], dialog[open]")) none();
    if (event.key !== "Enter") return;
    // Browsers press the first button of the form: no key must do what no one chose.
    if (isBox) event.preventDefault();
    const button = bar.querySelector('[data-enter="' + event.target.id + '"]');
    if (button && event.target.id) {
      event.preventDefault();
      button.click();
    }
  }, true);

  // ---- cards that were replaced, and their order

  function byId(ids) {
    return ids.trim().split(/\s+/).map(function (id) { return document.getElementById("photo-" + id); }).filter(Boolean);
  }

  // Cards that only this page has, such as those of photos that were not added, stay in front.
  function put(list, cards) {
    const own = Array.from(list.children).filter(function (each) { return cards.indexOf(each) >= 0; });
    if (own.length !== cards.length || own.some(function (each, at) { return each !== cards[at]; })) list.append.apply(list, cards);
  }

  function arrange(order) {
    const focused = document.activeElement;
    put(main, byId(order.dataset.photos));
    put(apart, byId(order.dataset.unusable));
    if (focused === document.activeElement || !focused.isConnected) return;
    (focused.checkVisibility() ? focused : unusable.querySelector("summary")).focus({ preventScroll: true });
  }

  document.addEventListener("htmx:afterSettle", function () {
    document.querySelectorAll('[form="selection"][name="photo"]').forEach(function (box) {
      if (selected.has(box.value) !== box.checked) set(box, selected.has(box.value));
    });
    const order = document.getElementById("card-order");
    unusable.hidden = unusable.hidden && !order.dataset.unusable;
    const isSending = main.querySelector(".is-sending:not(.is-refused)");
    if (order.dataset.photos !== undefined && !isSending) {
      arrange(order);
      delete order.dataset.photos;
    }
    unusable.hidden = !apart.children.length;
    show();
  });
  addEventListener("pageshow", none);
})();
