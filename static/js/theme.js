// Light or dark, before the first paint. The account keeps the choice; this device remembers it between pages.
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  root.classList.add("js");

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  }

  addEventListener("submit", function (event) {
    const form = event.target.closest("[data-theme-form]");
    if (!form) return;
    event.preventDefault();
    root.dataset.theme = isDark() ? "light" : "dark";
    const fields = new FormData(form);
    fields.set("theme", root.dataset.theme);
    fetch(form.action, { method: "POST", body: fields, redirect: "manual" }).catch(function () {});
    dispatchEvent(new Event("themechange"));
  });

  // Paper is light, and a figure has to be redrawn before it is printed.
  let kept;
  addEventListener("beforeprint", function () {
    kept = root.dataset.theme;
    root.dataset.theme = "light";
    dispatchEvent(new Event("themechange"));
  });
  addEventListener("afterprint", function () {
    if (kept) root.dataset.theme = kept;
    else delete root.dataset.theme;
    dispatchEvent(new Event("themechange"));
  });

  dark.addEventListener("change", function () {
    dispatchEvent(new Event("themechange"));
  });
})();
