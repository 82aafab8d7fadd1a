// Shortcuts: n presses the element with data-key="n", g and then p the one with data-key="g p". "?" lists them, "/" searches,
// arrows turn pages. People who use speech input can switch single keys off (WCAG 2.1.4); arrows stay.
(function () {
  "use strict";
  const togetherMs = 1500;
  const sheet = document.getElementById("keys");
  let first = "";
  let pressedAt = 0;

  function isTyping(target) {
    const isText = target.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(target.type);
    return target.isContentEditable || isText || /^(TEXTAREA|SELECT)$/.test(target.tagName);
  }

  // Visible elements come first: on phones the main navigation is hidden, and its copy in the menu is used.
  function keyed(keys) {
    const found = Array.from(document.querySelectorAll('[data-key="' + keys + '"]'));
    return found.find(function (each) { return each.checkVisibility(); }) || found.find(function (each) { return each.href; });
  }

  function press(target) {
    if (target.matches("a, button")) return target.click();
    target.scrollIntoView({ block: "center" });
    target.focus();
  }

  function search() {
    const field = document.querySelector("[data-search]");
    const list = keyed("g p");
    if (field) {
      field.focus();
      field.select();
    } else if (list) {
      location.href = list.href + "#q"; // that page focuses its search field
    }
    return Boolean(field || list);
  }

  function turn(key) {
    const link = document.querySelector({ ArrowLeft: "a[rel=prev]", ArrowRight: "a[rel=next]" }[key] || "#none");
    if (link) link.click();
  }

  function act(key) {
    if (key === "?" && sheet) return sheet.togglePopover() || true;
    if (key === "/") return search();
    const isSecond = first && Date.now() - pressedAt < togetherMs;
    const target = /^[a-z]$/.test(key) && keyed(isSecond ? first + " " + key : key);
    first = !target && /^[a-z]$/.test(key) ? key : "";
    pressedAt = Date.now();
    if (target) press(target);
    return Boolean(target);
  }

  if (location.hash === "#q") search();

  addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.target.closest("dialog")) return;
    const inFigure = event.target.closest("[role=application]");
    if (document.body.hasAttribute("data-shortcuts") && act(event.key)) event.preventDefault();
    else if (!inFigure && !event.shiftKey && event.target.type !== "radio") turn(event.key);
  });
})();
