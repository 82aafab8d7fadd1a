// Saves forms marked data-autosave as they are typed into (htmx) and shows in each form's role=status whether that worked.
// A failure of any other request is shown above the page.
(function () {
  "use strict";
  const words = document.getElementById("unanswered");
  if (!words) return;
  const unsaved = new Map(); // form -> number of edits
  const sent = new Map(); // form -> that number at the last request
  const failed = new Set(); // paths of failed requests
  const mostSent = 8; // patients/forms/conflicts.py accepts as many

  function formOf(event) {
    return event.target.closest ? event.target.closest("form[data-autosave]") : null;
  }

  function say(form, text, isBad) {
    const said = form.querySelector("[role=status]");
    said.textContent = text;
    said.classList.toggle("said--bad", isBad);
    said.classList.toggle("muted", !isBad);
  }

  // Shows the button that is there for browsers without scripts, to try again with.
  function offerAgain(form) {
    form.querySelectorAll(".no-js").forEach(function (each) { each.classList.remove("no-js"); });
  }

  // A form carries the earlier value of each field (initial-…), so that the server can detect a conflict. Until an answer comes, the
  // stored value may be any sent so far (sent-…). Of many, the first is kept, which was sent before the network failed, and the latest.
  function keepSent(form, fields) {
    form.querySelectorAll("[name^=initial-]").forEach(function (before) {
      const name = before.name.slice("initial-".length);
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "sent-" + name;
      field.value = fields.get("clear") === name ? "" : fields.get(name) || "";
      form.append(field);
      const all = form.querySelectorAll("[name=" + field.name + "]");
      if (all.length > mostSent) all[1].remove();
    });
  }

  function sentOf(form) {
    return form.querySelectorAll("[name^=sent-]");
  }

  document.addEventListener("input", function (event) {
    const form = formOf(event);
    if (!form) return;
    unsaved.set(form, (unsaved.get(form) || 0) + 1);
    say(form, words.dataset.pending, false);
  });

  // Says at the field what is wrong with it, or nothing more.
  function tell(field, isBad) {
    const hint = document.getElementById(field.getAttribute("aria-describedby"));
    if (!field.dataset.bad || !hint) return;
    field.closest(".field").classList.toggle("field--bad", isBad);
    hint.textContent = isBad ? field.dataset.bad : hint.dataset.hint;
    if (isBad) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  document.addEventListener("input", function (event) {
    if (event.target.dataset.bad && event.target.validity.valid) tell(event.target, false);
  });

  // A value that was wrong before, and is again, makes no "change" that htmx would act upon.
  document.addEventListener("focusout", function (event) {
    const form = event.target.dataset.bad && !event.target.validity.valid && formOf(event);
    if (!form) return;
    tell(event.target, true);
    say(form, words.dataset.halted, true);
  });

  // htmx validates the fields before it sends, and stops silently.
  document.addEventListener("htmx:validation:halted", function (event) {
    const form = formOf(event);
    if (!form) return;
    const wrong = event.detail.errors;
    wrong.forEach(function (each) { tell(each.elt, true); });
    say(form, words.dataset.halted + (wrong[0].elt.dataset.bad ? "" : " " + wrong[0].message), true);
  });

  document.addEventListener("htmx:beforeSend", function (event) {
    const form = formOf(event);
    if (!form) return;
    sent.set(form, unsaved.get(form));
    keepSent(form, event.detail.requestConfig.formData);
    say(form, words.dataset.pending, false);
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    if (!event.detail.successful) return;
    const form = formOf(event);
    settle(pathOf(event));
    if (form) sentOf(form).forEach(function (field) { field.remove(); });
    if (form) delete form.dataset.unsaved;
    if (form && unsaved.get(form) === sent.get(form)) unsaved.delete(form);
    else if (form) say(form, words.dataset.pending, false); // edited while the request was on its way
  });

  function pathOf(event) {
    return event.detail.requestConfig.path.split("?")[0];
  }

  // One notice covers all failed requests. It goes once each has succeeded; the success of another request does not remove it.
  function settle(path) {
    failed.delete(path);
    const notice = document.querySelector("[data-unanswered]");
    if (notice && !failed.size) notice.remove();
  }

  function tellFailed(path) {
    failed.add(path);
    if (document.querySelector("[data-unanswered]")) return;
    const notice = words.content.firstElementChild.cloneNode(true);
    notice.dataset.unanswered = "";
    document.getElementById("main").prepend(notice);
  }

  // Polled content that was deleted or is no longer visible to this user: says so and stops polling.
  function isGone(event) {
    return event.detail.xhr.status === 404 && /\b(again|every)\b/.test(event.detail.elt.getAttribute("hx-trigger") || "");
  }

  function putAway(place) {
    const gone = place.cloneNode(false);
    const said = document.createElement("p");
    Array.from(gone.attributes).forEach(function (each) { if (each.name.indexOf("hx-") === 0) gone.removeAttribute(each.name); });
    said.className = "photo__body small soft";
    said.setAttribute("role", "status");
    said.textContent = words.dataset.gone;
    gone.append(said);
    place.replaceWith(gone);
  }

  function fail(event) {
    const form = formOf(event);
    const answer = event.detail.xhr;
    if (form) form.dataset.unsaved = ""; // idle.js says so when the session ends
    if (isGone(event)) {
      putAway(event.detail.elt);
      settle(pathOf(event));
    } else if (form && answer.status === 409) { // someone else changed it meanwhile
      say(form, answer.responseText, true);
    } else if (form) {
      say(form, words.dataset.failed, true);
      offerAgain(form);
    } else {
      tellFailed(pathOf(event));
    }
  }

  document.addEventListener("htmx:sendError", fail);
  document.addEventListener("htmx:responseError", fail);

  // A photo page reloads once the photo is read. While someone is typing, it offers a button instead.
  const texts = "textarea, input:not([type]), input[type=text], input[type=number]";

  function isWriting() {
    if (unsaved.size || document.activeElement.matches(texts)) return true;
    return Array.from(document.querySelectorAll(texts)).some(function (field) {
      return field.value !== field.defaultValue && !field.closest("[data-autosave]");
    });
  }

  document.addEventListener("htmx:beforeOnLoad", function (event) {
    if (!event.detail.xhr.getResponseHeader("HX-Refresh") || !isWriting()) return;
    event.preventDefault();
    const show = event.target.querySelector("[data-reload]");
    if (!show || !show.hidden) return;
    show.hidden = false;
    event.target.replaceChildren(show);
  });

  addEventListener("click", function (event) {
    if (event.target.closest("[data-reload]")) location.reload();
  });

  addEventListener("beforeunload", function (event) {
    if (document.querySelector("[data-unsaved]")) event.preventDefault();
  });

  // If the page is left in the second before a note is sent, the browser sends it in the background.
  addEventListener("pagehide", function () {
    unsaved.forEach(function (_typed, form) {
      if (!form.isConnected || !form.checkValidity()) return;
      const headers = { "HX-Request": "true" };
      fetch(form.action, { method: "POST", body: new FormData(form), headers: headers, keepalive: true }).catch(function () {});
    });
  });
})();
