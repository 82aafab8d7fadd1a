// Comfort on every page: menus close, messages fade. Every page works without this script.
(function () {
  "use strict";
  const seconds = 6;
  const againAfterMs = 10000;

  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== except) menu.open = false;
    });
  }

  addEventListener("click", function (event) {
    closeMenus(event.target.closest("details.menu"));
  });

  // On a narrow window the open tab may lie beyond the edge.
  const tab = document.querySelector(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft + tab.offsetWidth - tab.parentElement.clientWidth;

  addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
  });

  function fade(toast) {
    let timer;
    const start = function () { timer = setTimeout(function () { toast.remove(); }, seconds * 1000); };
    const stop = function () { clearTimeout(timer); };
    toast.addEventListener("mouseenter", stop);
    toast.addEventListener("mouseleave", start);
    toast.addEventListener("focusin", stop);
    toast.addEventListener("focusout", start);
    start();
  }

  function showToasts(place) {
    place.querySelectorAll("[data-toast]").forEach(function (notice) {
      notice.classList.replace("notice", "toast");
      fade(notice);
    });
  }

  addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) print();
  });

  addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    const field = button && document.querySelector(button.dataset.copy);
    if (!field) return;
    field.select();
    navigator.clipboard.writeText(field.value).then(function () { button.textContent = button.dataset.done; }, function () {});
  });

  addEventListener("click", function (event) {
    const link = event.target.closest("[data-choose-all]");
    if (!link) return;
    event.preventDefault();
    link.closest("form").querySelectorAll("[name=photo]").forEach(function (box) { box.checked = true; });
  });

  // When a face is chosen, the button names it.
  addEventListener("change", function (event) {
    if (!event.target.matches(".pick input")) return;
    const button = event.target.form.querySelector("[data-use]");
    if (button) button.textContent = button.dataset.use.replace("%s", event.target.dataset.number);
  });

  // Clicking a face on the photo is the same as choosing its number below.
  addEventListener("click", function (event) {
    const face = event.target.closest("[data-face]");
    const place = face && (face.closest(".photo") || document);
    const radio = place && place.querySelector('.pick input[value="' + face.dataset.face + '"]');
    if (radio) radio.click();
  });

  // A second click during the first request would add a second visit. Listens on the window, after every listener that can stop the
  // form. Reads attributes, for a form may have a field named "method". After a while the form can be sent again.
  const sent = new Set();
  addEventListener("submit", function (event) {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
    if (sent.has(form)) event.preventDefault();
    sent.add(form);
    setTimeout(function () { sent.delete(form); }, againAfterMs);
  });
  addEventListener("pageshow", function () { sent.clear(); });
  // The browser may ask whether to leave: if the answer is no, the form can be sent again.
  addEventListener("beforeunload", function (event) {
    setTimeout(function () { if (event.defaultPrevented) sent.clear(); });
  });

  // When an element with the focus is replaced, focus moves to the element with the same id (htmx), else to the replacement.
  let focused = "";
  document.addEventListener("htmx:beforeSwap", function (event) {
    const target = event.detail.target;
    focused = target.id && target.contains(document.activeElement) ? target.id : "";
  });
  document.addEventListener("htmx:afterSwap", function () {
    const place = focused && document.getElementById(focused);
    focused = "";
    if (!place || document.activeElement !== document.body) return;
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
  });

  // Elements swapped out of band name the next focus themselves.
  let next = "";
  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    const place = event.detail.target;
    if (place.dataset.focusAfter && place.contains(document.activeElement)) next = place.dataset.focusAfter;
  });
  document.addEventListener("htmx:afterSettle", function () {
    const place = next && document.querySelector(next);
    next = "";
    if (place && document.activeElement === document.body) place.focus({ preventScroll: true });
  });

  document.addEventListener("htmx:afterSwap", function (event) { showToasts(event.target); });
  showToasts(document);
})();
