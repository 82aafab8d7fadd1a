// Uploads photos from a phone that was paired with a visit: each at once, two at a time. Without this script the form sends them.
(function () {
  "use strict";
  const form = document.getElementById("phone-photos");
  const list = document.getElementById("sent");
  const total = document.querySelector("[data-sent]");
  const over = document.getElementById("phone-done");
  const stillSending = document.getElementById("still-sending");
  const notSent = document.getElementById("not-sent");
  const held = new Set(); // photos that can be sent again: there may be no other copy
  const inFlight = 2;
  const waiting = [];
  const lane = window.sendAgain.lane(inFlight, next);
  let running = 0;
  let number = 0;
  let most = 0;

  function part(job, name) {
    return job.row.querySelector('[data-s="' + name + '"]');
  }

  function say(job, name, state) {
    const said = part(job, "said");
    said.textContent = said.dataset[name] || name;
    job.row.className = state || "";
  }

  function add(files) {
    Array.from(files, function (file) {
      const job = { file: file, row: document.getElementById("sending").content.firstElementChild.cloneNode(true), keep: false };
      number += 1;
      part(job, "name").textContent = number + ". " + window.photoFiles.size(file);
      part(job, "again").addEventListener("click", function () { queue(job); });
      part(job, "keep").addEventListener("click", function () {
        job.keep = true;
        queue(job);
      });
      list.prepend(job.row);
      if (file.size > Number(form.dataset.maxBytes)) say(job, form.dataset.tooLarge, "is-refused");
      else queue(job);
    });
  }

  function queue(job) {
    held.delete(job);
    part(job, "again").hidden = true;
    part(job, "keep").hidden = true;
    job.row.querySelector("progress").value = 0;
    say(job, "waits");
    waiting.push(job);
    next();
  }

  function next() {
    while (lane.isFree(running) && waiting.length) {
      running += 1;
      send(waiting.shift());
    }
  }

  function done() {
    running -= 1;
    next();
    if (!running && !waiting.length) stillSending.hidden = true;
    if (!held.size) notSent.hidden = true;
  }

  function send(job) {
    const fields = new FormData();
    fields.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    fields.set("photos", job.file, job.file.name || "phone.jpg");
    if (job.keep) fields.set("keep_duplicate", "1");
    const request = new XMLHttpRequest();
    const bar = job.row.querySelector("progress");
    request.open("POST", location.pathname);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", function (event) {
      bar.value = Math.round(100 * event.loaded / event.total);
      if (event.loaded === event.total) say(job, "checking");
    });
    request.addEventListener("load", function () {
      if (request.status === 201) arrive(job, request.response.sent);
      else if (lane.mayWait(job, request.getResponseHeader("Retry-After"))) wait(job);
      else refuse(job, request.response || { status: request.status, retry: request.status === 403 || request.status >= 500 });
      done();
    });
    request.addEventListener("error", function () {
      // A file that is gone breaks a request off just as a lost connection does: ask the file first.
      window.photoFiles.readable(job.file).then(function (isReadable) {
        refuse(job, isReadable ? { retry: true } : { code: "gone" });
        done();
      });
    });
    request.send(fields);
  }

  function wait(job) {
    say(job, "busy");
    waiting.unshift(job);
  }

  function arrive(job, sent) {
    lane.arrived();
    say(job, "added", "is-added");
    most = Math.max(most, sent); // two requests may be answered in the other order
    total.textContent = most === 1 ? total.dataset.one : total.dataset.many.replace("%s", most);
  }

  function refuse(job, answer) {
    const fault = answer.status && part(job, "said").dataset.fault.replace("%s", answer.status);
    say(job, answer.message || fault || (answer.code === "gone" ? "gone" : "offline"), "is-refused");
    // There may be no other copy.
    if (answer.code === "not_stored") part(job, "said").textContent += " " + part(job, "said").dataset.held;
    if (answer.retry) held.add(job);
    part(job, "again").hidden = !answer.retry;
    part(job, "keep").hidden = ["duplicate_in_patient", "duplicate_in_other_patient"].indexOf(answer.code) < 0;
  }

  ["camera", "files"].forEach(function (id) {
    document.getElementById(id).addEventListener("change", function (event) {
      add(event.target.files);
      event.target.value = "";
    });
  });
  // Some phones do not ask before they leave a page, and there may be no other copy of what the camera took.
  // Warn once about photos that were not added; a second press leaves.
  over.addEventListener("submit", function (event) {
    const isSending = running || waiting.length;
    if (!isSending && (!held.size || !notSent.hidden)) {
      held.clear();
      return;
    }
    event.preventDefault();
    stillSending.hidden = !isSending;
    notSent.hidden = isSending;
  });
  addEventListener("beforeunload", function (event) {
    if (running || waiting.length || held.size) event.preventDefault();
  });
})();
