// Uploads photos to a visit: dropped anywhere, pasted, picked or taken. One request per file, three at a time, a progress bar each.
// Without this script the form of the drop zone sends them all in one request.
(function () {
  "use strict";
  const drop = document.getElementById("drop");
  const list = document.getElementById("photos");
  const said = document.getElementById("upload-said");
  const asked = document.getElementById("upload-asked");
  const photoFiles = window.photoFiles;
  const cards = { sending: document.getElementById("sending"), refused: document.getElementById("not-added") };
  const held = new Set(); // photos that can be sent again: pasted or taken here, there is no other copy
  const inFlight = 3;
  const waiting = [];
  const lane = window.sendAgain.lane(inFlight, next);
  let running = 0;
  let isOver = false; // the session has ended, and the photos that waited here are gone
  let added = 0;
  let arrivedSince = 0; // photos that the page's number of free places does not know yet

  function part(card, name) {
    return card.querySelector('[data-s="' + name + '"]');
  }

  // A new card from a <template>, with a preview where the browser can draw the photo (HEIC: mostly not).
  function cardFrom(template, job) {
    const card = template.content.firstElementChild.cloneNode(true);
    const image = card.querySelector("img");
    job.url = job.url || URL.createObjectURL(job.file);
    image.addEventListener("error", function () { image.hidden = true; });
    image.src = job.url;
    part(card, "file").textContent = (job.file.name || "") + ", " + photoFiles.size(job.file);
    return card;
  }

  function focusOn(place) {
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
  }

  function replaceCard(job, card) {
    const hadFocus = job.card.contains(document.activeElement);
    job.card.replaceWith(card);
    job.card = card;
    if (hadFocus) focusOn(card);
  }

  function leave(job) {
    URL.revokeObjectURL(job.url);
  }

  function say(text) {
    said.textContent = text;
  }

  // ---- sending

  function add(files, keep) {
    const jobs = Array.from(files, function (file) { return { file: file, keep: keep }; });
    jobs.forEach(function (job) {
      job.card = cardFrom(cards.sending, job);
      const state = part(job.card, "state");
      state.textContent = state.dataset.queued;
      waiting.push(job);
    });
    list.prepend.apply(list, jobs.map(function (job) { return job.card; }));
    const empty = document.getElementById("no-photos");
    if (empty && jobs.length) empty.remove();
    next();
  }

  function next() {
    while (lane.isFree(running) && waiting.length) {
      running += 1;
      send(waiting.shift());
    }
    if (!running && !waiting.length && added) {
      say(added === 1 ? said.dataset.addedOne : said.dataset.added.replace("%s", added));
      added = 0;
    }
  }

  function done() {
    running -= 1;
    next();
  }

  function fields(job) {
    const form = new FormData();
    form.set("csrfmiddlewaretoken", drop.elements.csrfmiddlewaretoken.value);
    form.set("photos", job.file, job.file.name || "pasted.png");
    if (job.keep) form.set("keep_duplicate", "1");
    return form;
  }

  function send(job) {
    const request = new XMLHttpRequest();
    const state = part(job.card, "state");
    const bar = job.card.querySelector("progress");
    state.textContent = state.dataset.sending.replace("%s", 0);
    bar.value = 0;
    bar.classList.remove("bar--run");
    request.open("POST", drop.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", function (event) {
      const percent = Math.round(100 * event.loaded / event.total);
      bar.value = percent;
      state.textContent = percent < 100 ? state.dataset.sending.replace("%s", percent) : state.dataset.checking;
      if (percent === 100) {
        bar.removeAttribute("value");
        bar.classList.add("bar--run");
      }
    });
    request.addEventListener("load", function () {
      if (request.status === 201) arrive(job, request.response);
      else if (lane.mayWait(job, request.getResponseHeader("Retry-After"))) wait(job);
      else refuse(job, request.response || { status: request.status, retry: request.status === 403 || request.status >= 500 });
      done();
    });
    request.addEventListener("error", function () {
      // A file that is gone breaks a request off just as a lost connection does: ask the file first.
      photoFiles.readable(job.file).then(function (isReadable) {
        refuse(job, isReadable ? { retry: true } : { code: "gone" });
        done();
      });
    });
    request.send(fields(job));
  }

  function wait(job) {
    const state = part(job.card, "state");
    state.textContent = state.dataset.busy;
    waiting.unshift(job);
  }

  function arrive(job, answer) {
    lane.arrived();
    const holder = document.createElement("template");
    holder.innerHTML = answer.card;
    const card = holder.content.firstElementChild;
    replaceCard(job, card);
    leave(job);
    htmx.process(card);
    added += 1;
    arrivedSince += 1;
    if (!list.isConnected) return; // the session has ended meanwhile: counted when the page is uncovered
    count(1);
    htmx.trigger(document.body, "photos-changed");
  }

  function refuse(job, answer) {
    const card = cardFrom(cards.refused, job);
    const why = part(card, "why");
    if (answer.status === 403) dispatchEvent(new Event("refused")); // idle.js renews the page's CSRF token
    const fault = answer.status === 403 ? why.dataset.stale : answer.status && why.dataset.fault.replace("%s", answer.status);
    why.textContent = answer.message || fault || (answer.code === "gone" ? why.dataset.gone : why.dataset.offline);
    // There is no other copy of a photo from the camera.
    if (answer.code === "not_stored") why.textContent += " " + why.dataset.held;
    if (answer.retry) held.add(job);
    job.code = answer.code;
    markHeld();
    const isOfOther = answer.code === "duplicate_in_other_patient";
    const twice = isOfOther || answer.code === "duplicate_in_patient";
    const title = part(card, "title");
    if (answer.code === "duplicate_in_visit") title.textContent = title.dataset.here;
    if (twice) title.textContent = isOfOther ? title.dataset.other : title.dataset.twice;
    card.classList.toggle("is-twin", twice || answer.code === "duplicate_in_visit");
    part(card, "again").hidden = !answer.retry;
    part(card, "keep").hidden = !twice;
    const skip = part(card, "skip");
    skip.textContent = twice ? skip.dataset.skip : skip.dataset.dismiss;
    const resend = function (keep) {
      held.delete(job);
      markHeld();
      card.remove();
      leave(job);
      add([job.file], keep);
      focusOn(list.firstElementChild);
    };
    part(card, "again").addEventListener("click", function () { resend(job.keep); });
    part(card, "keep").addEventListener("click", function () { resend(true); });
    skip.addEventListener("click", function () {
      const after = card.nextElementSibling || drop;
      held.delete(job);
      markHeld();
      card.remove();
      leave(job);
      focusOn(after);
    });
    replaceCard(job, card);
  }

  // idle.js says so when the session ends.
  function markHeld() {
    if (held.size) drop.dataset.unsaved = "";
    else delete drop.dataset.unsaved;
  }

  function count(more) {
    const total = document.querySelector("[data-total]");
    total.textContent = Number(total.textContent) + more;
  }

  // ---- what cannot be sent is said when it is chosen

  // The number in the page is that of its last answer: photos that arrived since, or are on their way, take their places, too.
  function room() {
    return Math.max(Number(document.getElementById("drop-hint").dataset.room) - running - waiting.length - arrivedSince, 0);
  }

  // Sends the files when all of them can be taken; else says which cannot and asks whether to send the others.
  function choose(files) {
    files = Array.from(files);
    photoFiles.sorted(files, Number(drop.dataset.maxBytes)).then(function (found) {
      const places = room();
      const fit = found.good.slice(0, places);
      if (fit.length === files.length) return add(fit);
      ask(files.length, fit, found.good.length - fit.length, places, found.bad);
    });
  }

  function line(text) {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }

  function ask(chosen, fit, excess, places, bad) {
    const lines = [];
    if (excess) lines.push(line(photoFiles.counted(asked, "full", places).replace("%n", excess)));
    Object.keys(bad).forEach(function (why) {
      const names = photoFiles.named(bad[why], why === "too_large");
      lines.push(line(names + ": " + asked.dataset[why.replace(/_(.)/, function (_all, letter) { return letter.toUpperCase(); })]));
    });
    asked.querySelector("[data-asked-title]").textContent = photoFiles.counted(asked, "chosen", chosen);
    asked.querySelector("ul").replaceChildren.apply(asked.querySelector("ul"), lines);
    const send = asked.querySelector("[data-asked-send]");
    send.hidden = !fit.length;
    if (fit.length) send.textContent = photoFiles.counted(asked, "send", fit.length);
    send.onclick = function () {
      asked.hidden = true;
      add(fit);
      focusOn(list.firstElementChild);
    };
    asked.querySelector("[data-asked-cancel]").onclick = function () {
      asked.hidden = true;
      focusOn(drop);
    };
    asked.hidden = false;
    (fit.length ? send : asked.querySelector("[data-asked-cancel]")).focus();
  }

  // ---- where photos come from

  function take(input) {
    choose(Array.from(input.files));
    input.value = "";
  }

  document.addEventListener("htmx:oobAfterSwap", function (event) {
    if (event.detail.target.id === "drop-hint") arrivedSince = 0;
  });

  document.querySelectorAll("[data-pick]").forEach(function (opener) {
    opener.addEventListener("click", function (event) {
      event.preventDefault();
      document.getElementById(opener.dataset.pick).click();
    });
    opener.disabled = false; // it works only from here on
  });
  ["files", "camera"].forEach(function (id) {
    document.getElementById(id).tabIndex = -1; // the buttons are its way in: a field that is not seen takes no focus
    document.getElementById(id).addEventListener("change", function (event) { take(event.target); });
  });

  addEventListener("photos", function (event) { add(event.detail); });

  function showOver(transfer) {
    const title = drop.querySelector("[data-drop-title]");
    const hint = drop.querySelector("[data-drop-hint]");
    const n = transfer ? transfer.items.length : 0;
    drop.classList.toggle("is-over", Boolean(transfer));
    title.textContent = !transfer ? title.dataset.idle : n === 1 ? title.dataset.overOne : title.dataset.over.replace("%s", n || "");
    hint.textContent = transfer ? hint.dataset.over : hint.dataset.idle;
  }

  addEventListener("dragover", function (event) {
    if (!photoFiles.areFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    if (!drop.classList.contains("is-over")) showOver(event.dataTransfer);
  });
  addEventListener("dragleave", function (event) {
    if (event.relatedTarget === null) showOver(null);
  });
  addEventListener("drop", function (event) {
    if (!photoFiles.areFiles(event.dataTransfer)) return;
    event.preventDefault();
    showOver(null);
    photoFiles.dropped(event.dataTransfer).then(choose);
  });
  addEventListener("paste", function (event) {
    if (/^(INPUT|TEXTAREA)$/.test(event.target.tagName) || !event.clipboardData.files.length) return;
    event.preventDefault();
    choose(event.clipboardData.files);
  });
  addEventListener("beforeunload", function (event) {
    if (!isOver && (running || waiting.length || held.size)) event.preventDefault();
  });
  addEventListener("blanked", function () {
    if (running || waiting.length) drop.dataset.unsaved = "";
  });
  addEventListener("uncovered", function () {
    markHeld();
    held.forEach(function (job) {
      const why = part(job.card, "why");
      if (job.code === "signed_out") why.textContent = why.dataset.back;
    });
    htmx.trigger(document.body, "photos-changed");
    if (held.size) focusOn(held.values().next().value.card);
  });
  addEventListener("dropped", function () { isOver = true; });
})();
