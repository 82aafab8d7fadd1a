// What must happen before the first paint. Light or dark: The account keeps the choice; this device remembers it between pages.
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  root.classList.add("js");

  // A picture that the server refuses leaves its sentence instead of a torn page. This early, because the error comes only once.
  addEventListener("error", function (event) {
    const frame = event.target.closest && event.target.closest(".big, .photo__img");
    if (frame && event.target.matches("image")) frame.classList.add("is-lost");
  }, true);

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
