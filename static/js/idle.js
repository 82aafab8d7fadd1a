// Ends an idle session. A minute before, a dialog counts down; then the page is blanked first of all. The server enforces the limit
// by itself: this file warns, saves drafts, and clears patients from an abandoned screen.
(function () {
  "use strict";
  const dialog = document.getElementById("idle");
  const form = document.querySelector("form[data-draft]");
  const warnSeconds = 60;
  const draftAfterMs = 2000;
  const tellEverySeconds = 60;
  const askEverySeconds = 10;

  // A page from the back-forward cache may be older than the sign-out: reload it.
  addEventListener("pageshow", function (event) {
    if (event.persisted) location.reload();
  });

  // Requests that a page makes by itself, polling or following another request, do not count as activity.
  document.addEventListener("htmx:configRequest", function (event) {
    const cause = event.detail.triggeringEvent;
    if (!cause || !cause.isTrusted) event.detail.headers["X-Background"] = "1";
  });

  // Signing out, or in as another user, applies to all windows: the others ask at once whose session it is now.
  // A page that opens for someone signed in tells those that wait for its user.
  const windows = "BroadcastChannel" in window ? new BroadcastChannel("session") : null;
  if (windows) windows.postMessage(dialog ? "here" : "look");
  if (!dialog) return;
  const clock = dialog.querySelector("[data-clock]");
  let token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  let endsAt = Date.now() + 1000 * Number(dialog.dataset.secondsLeft);
  let acted = false;
  let toldAt = Date.now();
  let askedAt = Date.now();
  let isOver = false;
  let isEnding = false;
  let isDirty = false; // the form was edited
  let keeping = ""; // the outcome of the last save: "kept", "failed", or empty
  let draftTimer;
  let inputs = 0; // number of edits
  let aside = null; // the page of an ended session, as long as something on it is kept nowhere else
  const patienceMs = 5000;
  const asideMs = 60 * 60 * 1000;

  function secondsLeft() {
    return Math.ceil((endsAt - Date.now()) / 1000);
  }

  function send(address, method, body) {
    const headers = { "Accept": "application/json", "X-CSRFToken": token };
    // Saving a draft does not count as activity.
    if (method === "GET" || address === dialog.dataset.drafts) headers["X-Background"] = "1";
    return fetch(address, { method: method, body: body, headers: headers, redirect: "error" });
  }

  // Resolves to whether an answer came. GET asks how long the session lasts (another tab may have extended it), POST extends it.
  function ask(method) {
    askedAt = Date.now();
    if (method === "POST") {
      toldAt = askedAt;
      acted = false;
    }
    return send(dialog.dataset.session, method).then(function (response) {
      // Any other answer does not describe the session.
      return response.ok || response.status === 401 ? response.json() : Promise.reject();
    }).then(function (answer) {
      if (answer.seconds_left <= 0 || answer.user_mark !== dialog.dataset.mark) {
        blank();
        if (answer.user_mark) drop(); // someone else has signed in
        return true;
      }
      if (isOver && !aside) return true;
      endsAt = Date.now() + 1000 * answer.seconds_left;
      if (aside) uncover();
      renew(answer.csrf_token);
      if (dialog.open && secondsLeft() > warnSeconds) dialog.close();
      return true;
    }).catch(function () { return false; });
  }

  // A new sign-in in another window changes the CSRF token: the forms of this page take it over.
  function renew(fresh) {
    token = fresh;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": fresh }));
    document.querySelectorAll("[name=csrfmiddlewaretoken]").forEach(function (field) { field.value = fresh; });
  }

  function stay() {
    if (dialog.open) dialog.close();
    ask("POST");
  }

  function warn() {
    saveDrafts();
    ask("GET").then(function () {
      if (isOver || dialog.open || secondsLeft() > warnSeconds) return;
      dialog.showModal();
    });
  }

  // saving.js marks a form whose saving failed, upload.js one with photos that are nowhere else.
  function isHeld() {
    return keeping === "failed" || (isOver && isDirty && !keeping) || document.querySelector("[data-unsaved]") !== null;
  }

  function tellKept(place, isOnlyHere) {
    place.querySelector("[data-held]").hidden = !isOnlyHere;
    place.querySelector("[data-kept]").hidden = isOnlyHere || !keeping;
  }

  // Nothing of the page stays in the document. If something on it is kept nowhere else, this script holds it until the same user is
  // back, which is why that user signs in in another tab.
  function blank() {
    if (isOver) return;
    isOver = true;
    dispatchEvent(new Event("blanked")); // camera.js switches the camera off
    const isOnlyHere = isHeld();
    const who = document.documentElement.dataset.paperWho;
    if (isOnlyHere) aside = { title: document.title, who: who, nodes: Array.from(document.body.childNodes) };
    const over = document.getElementById("idle-over").content.cloneNode(true);
    tellKept(over, isOnlyHere);
    document.title = dialog.dataset.title;
    document.body.replaceChildren(over);
    document.documentElement.removeAttribute("data-paper-who"); // the name that printed sheets carry
    document.body.removeAttribute("hx-headers");
    document.body.classList.remove("is-covered");
    const link = document.querySelector("[data-sign-in]");
    link.href += "?next=" + encodeURIComponent(dialog.dataset.back);
    if (isOnlyHere) {
      link.target = "_blank";
      link.textContent = link.dataset.newTab;
      setTimeout(drop, asideMs);
    }
    link.focus();
  }

  function uncover() {
    const page = aside;
    aside = null;
    isOver = isEnding = false;
    if (dialog.open) dialog.close();
    document.title = page.title;
    if (page.who) document.documentElement.dataset.paperWho = page.who;
    document.body.replaceChildren.apply(document.body, page.nodes);
    // htmx no longer asks for what has left the document, until an attribute is new.
    document.querySelectorAll('[hx-trigger^="every"]').forEach(function (card) {
      card.dataset.uncovered = Date.now();
      htmx.process(card);
    });
    saveDrafts();
    dispatchEvent(new Event("uncovered"));
  }

  function drop() {
    if (!aside) return;
    aside = null;
    document.querySelector("[data-held]").hidden = true;
    document.querySelector("[data-lost]").hidden = false;
    const link = document.querySelector("[data-sign-in]");
    link.removeAttribute("target");
    link.textContent = link.dataset.sameTab;
    dispatchEvent(new Event("dropped"));
  }

  // Another window may have extended the session while this one slept: show nothing until the server has answered.
  function end() {
    if (isEnding) return;
    isEnding = true;
    document.body.classList.add("is-covered");
    const timer = setTimeout(blank, patienceMs);
    askAgain();

    // A computer has no network for some seconds after it wakes.
    function askAgain() {
      ask("GET").then(function (isAnswered) {
        if (isOver) return;
        if (!isAnswered) return setTimeout(askAgain, 1000);
        clearTimeout(timer);
        if (secondsLeft() <= 0) return blank();
        isEnding = false;
        document.body.classList.remove("is-covered");
      });
    }
  }

  function tick() {
    if (isOver) return;
    const left = secondsLeft();
    if (left <= 0) return end();
    clock.textContent = String(left);
    tellKept(dialog, isHeld());
    const now = Date.now();
    if (!dialog.open && acted && (now - toldAt > 1000 * tellEverySeconds || left <= warnSeconds + 5)) ask("POST");
    else if (!dialog.open && left <= warnSeconds && now - askedAt > 2000) warn();
    else if (dialog.open && now - askedAt > 1000 * askEverySeconds) ask("GET");
  }

  ["pointerdown", "keydown", "input", "wheel", "touchstart"].forEach(function (name) {
    addEventListener(name, function (event) { acted = acted || (event.isTrusted && !dialog.open); }, { passive: true });
  });
  dialog.addEventListener("cancel", stay);
  dialog.querySelector("[data-stay]").addEventListener("click", stay);
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible") ask("GET").then(tick);
  });
  if (windows) windows.addEventListener("message", function (event) {
    if (event.data === "look" || aside) ask("GET");
  });
  addEventListener("refused", function () { ask("GET"); }); // a request carried an outdated CSRF token: fetch the new one
  setInterval(tick, 1000);

  // ---- drafts: forms marked data-draft; the server keeps them until the form is saved or cancelled, and this page restores them

  const typed = new Set(); // names of fields edited before the draft arrived: the edit wins

  // An unchanged note is not saved as a draft: it must not return later as this user's own text.
  function isOwn(name) {
    const field = form.elements[name];
    return name !== "note" || "posted" in form.dataset || field.value !== field.defaultValue;
  }

  function saveDrafts() {
    if (!form || !isDirty) return;
    const fields = new URLSearchParams({ path: location.pathname });
    new FormData(form).forEach(function (value, name) {
      if (typeof value === "string" && name !== "csrfmiddlewaretoken" && isOwn(name)) fields.append(name, value);
    });
    const sentAfter = inputs;
    const tell = function (outcome) { if (inputs === sentAfter) keeping = outcome; }; // else the outcome is of an older text
    send(dialog.dataset.drafts, "POST", fields)
      .then(function (answer) { tell(answer.status === 201 ? "kept" : "failed"); })
      .catch(function () { tell("failed"); });
  }

  function forget() {
    clearTimeout(draftTimer);
    const fields = new URLSearchParams({ path: location.pathname, forget: "1" });
    const options = { method: "POST", body: fields, headers: { "X-CSRFToken": token }, keepalive: true };
    if (isDirty) fetch(dialog.dataset.drafts, options).catch(function () {});
  }

  // If others have changed the note since, the draft is shown beside it, to copy from, and does not replace it.
  function setAside(kept) {
    const place = form.querySelector("[data-older-words]");
    if (!place || !("initial-note" in kept) || kept["initial-note"] === form.elements["initial-note"].value) return;
    const note = kept.note === form.elements.note.value ? "" : kept.note;
    kept.older_words = [kept.older_words, note].filter(Boolean).join("\n\n");
    delete kept.note;
  }

  // Values that the draft did not change, or that were changed elsewhere since, stay as the page has loaded them.
  function comesBack(name, kept) {
    if (!form.elements[name] || name.startsWith("initial-") || name === "form_token" || typed.has(name)) return false;
    const loaded = form.elements["initial-" + name];
    if (loaded && "initial-" + name in kept && kept["initial-" + name] !== loaded.value) return false;
    return kept[name] !== kept["initial-" + name];
  }

  // An unticked box is not sent and so not in the draft. Returns the names of boxes that the draft unticks.
  function untick(kept) {
    const boxes = Array.from(form.querySelectorAll("input[type=checkbox]:checked")).filter(function (box) {
      const loaded = "initial-" + box.name;
      return loaded in kept && kept[loaded] === form.elements[loaded].value && !(box.name in kept) && !typed.has(box.name);
    });
    boxes.forEach(function (box) { box.checked = false; });
    return boxes.map(function (box) { return box.name; });
  }

  function restore(kept) {
    setAside(kept);
    const names = Object.keys(kept).filter(function (name) { return comesBack(name, kept); });
    names.forEach(function (name) {
      if (form.elements[name].type === "checkbox") form.elements[name].checked = true;
      else form.elements[name].value = kept[name];
    });
    names.push.apply(names, untick(kept));
    if (!names.length) return;
    isDirty = true;
    if (typed.size) saveDrafts(); // an earlier edit may have replaced the draft on the server
    else keeping = "kept";
    if (kept.older_words) form.querySelector("[data-older-words]").hidden = false;
    const said = form.querySelector("[data-draft-said]");
    if (said) said.hidden = !names.some(function (name) { return name !== "older_words"; });
  }

  if (form) {
    form.addEventListener("input", function (event) {
      isDirty = true;
      keeping = "";
      inputs += 1;
      typed.add(event.target.name);
      clearTimeout(draftTimer);
      draftTimer = setTimeout(saveDrafts, draftAfterMs);
    });
    form.addEventListener("submit", function () { clearTimeout(draftTimer); });
    form.addEventListener("click", function (event) {
      if (event.target.closest("a.btn")) forget(); // Cancel
    });
    if ("posted" in form.dataset) { // the form returned with errors: its text is newer than any draft
      isDirty = true;
      saveDrafts();
    } else {
      send(dialog.dataset.drafts + "?path=" + encodeURIComponent(location.pathname), "GET")
        .then(function (response) { return response.json(); })
        .then(function (answer) { restore(answer.fields); })
        .catch(function () {});
    }
  }
})();
