// An import: reads the dates of many files in a worker, shows where they go, and sends them, three at a time.
// Without this script two plain forms do the same.
(function () {
  "use strict";
  const place = document.getElementById("import");
  const choose = document.getElementById("import-choose");
  if (!choose) return;
  const photoFiles = window.photoFiles;
  const rowsOf = window.importRows;
  const said = document.getElementById("import-said");
  const reading = document.getElementById("import-reading");
  const readBar = document.getElementById("import-read");
  const steps = document.getElementById("import-steps").children;
  const token = choose.elements.csrfmiddlewaretoken.value;
  const inFlight = 3;
  const mostTries = 4;
  const perMinute = 60000;
  const handedOver = 20; // files that the worker gets at a time
  const wholeDays = new Set();
  const kept = new Map(); // failure -> job: can be sent again while the page is open
  let files = []; // {file, sha, taken}
  let analysed = {}; // day -> how many photos of this import are analysed, as of the last answer
  let isSending = false;
  let worker = null;

  function words(name, n) {
    return photoFiles.counted(place, name, n);
  }

  function part(root, name) {
    return root.querySelector("[data-" + name + "]");
  }

  function fromTemplate(id) {
    return document.getElementById(id).content.firstElementChild.cloneNode(true);
  }

  function step(number) {
    Array.from(steps, function (each, at) {
      each.classList.toggle("is-done", at < number);
      if (at === number) each.setAttribute("aria-current", "step");
      else each.removeAttribute("aria-current");
    });
  }

  function post(path, body, type) {
    const headers = { "X-CSRFToken": token, Accept: "application/json" };
    if (type) headers["Content-Type"] = type;
    return fetch(path, { method: "POST", headers: headers, body: body }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer;
    });
  }

  // ---- choosing and reading

  function folderOf(chosen) {
    const path = chosen.length ? chosen[0].webkitRelativePath || "" : "";
    return path.split("/")[0];
  }

  function take(chosen, folder) {
    chosen = chosen.filter(function (file) { return !photoFiles.isHidden(file.name); });
    if (!chosen.length || isSending) return;
    reading.textContent = "";
    photoFiles.sorted(chosen, Number(place.dataset.maxBytes)).then(function (found) {
      if (!found.good.length) return reading.replaceChildren(reading.dataset.none);
      if (found.good.length > Number(place.dataset.most)) return reading.replaceChildren(reading.dataset.many.replace("%s", place.dataset.most));
      return read(found.good).then(function () { return plan(folder || folderOf(chosen), found.bad); });
    });
  }

  function read(good) {
    files = good.map(function (file) { return { file: file, sha: "", taken: null }; });
    readBar.hidden = false;
    readBar.max = good.length;
    if (worker) worker.terminate();
    worker = new Worker(place.dataset.worker);
    return new Promise(function (resolve) {
      let n = 0;
      let given = 0;
      function give() {
        worker.postMessage({ from: given, files: good.slice(given, given + handedOver) });
        given = Math.min(given + handedOver, good.length);
      }
      worker.onmessage = function (event) {
        Object.assign(files[event.data.at], event.data);
        n += 1;
        readBar.value = n;
        reading.textContent = reading.dataset.reading.replace("%s", n).replace("%n", good.length);
        if (n === given && n < good.length) give();
        if (n < good.length) return;
        readBar.hidden = true;
        reading.textContent = "";
        worker.terminate();
        worker = null;
        resolve();
      };
      give();
    });
  }

  function plan(folder, bad) {
    const gone = files.filter(function (each) { return each.gone; });
    if (gone.length) bad.gone = (bad.gone || []).concat(gone.map(function (each) { return each.file; }));
    files = files.filter(function (each) { return !each.gone; });
    const body = JSON.stringify({ files: files.map(function (each) { return [each.sha, each.taken]; }), whole_days: Array.from(wholeDays) });
    return post(place.dataset.plan, body, "application/json").then(function (answer) { return answer.text(); }).then(function (table) {
      show(table, folder, bad);
    }).catch(function () { reading.textContent = place.dataset.offline; });
  }

  // ---- the table of where they go

  function show(table, folder, bad) {
    const card = fromTemplate("import-check");
    const ignored = Object.keys(bad).reduce(function (sum, why) { return sum + bad[why].length; }, 0);
    const whole = document.createElement("template");
    whole.innerHTML = table;
    const rows = Array.from(whole.content.querySelectorAll("[data-row]"));
    const body = whole.content.querySelector("tbody");
    body.replaceChildren();
    part(card, "plan-table").append(whole.content);
    part(card, "send").disabled = true;
    part(card, "name").textContent = folder || place.dataset.files;
    part(card, "found").textContent = words("found", files.length);
    part(card, "ignored").textContent = ignored ? words("ignored", ignored) : "";
    const list = part(card, "bad");
    list.replaceChildren.apply(list, Object.keys(bad).map(function (why) {
      const line = document.createElement("li");
      const name = why.replace(/_(.)/, function (_all, letter) { return letter.toUpperCase(); });
      line.textContent = photoFiles.named(bad[why], why === "too_large") + ": " + list.dataset[name];
      return line;
    }));
    place.replaceChildren(card);
    choose.hidden = true;
    document.getElementById("import-what").hidden = true;
    document.getElementById("import-lead").textContent = place.dataset.checking;
    step(1);
    card.addEventListener("change", function () { total(card); });
    card.addEventListener("click", function (event) {
      const split = event.target.closest("[data-split]");
      if (split) {
        // The photos after midnight are of the next day.
        const next = new Date(split.dataset.split + "T12:00:00Z");
        next.setUTCDate(next.getUTCDate() + 1);
        wholeDays.add(next.toISOString().slice(0, 10));
        plan(folder, bad);
      }
      if (event.target.closest("[data-again]")) again();
      if (event.target.closest("[data-send]")) begin(card, folder);
    });
    const paint = rowsOf.painter(files);
    rowsOf.gently(rows, function (row) {
      body.append(row);
      paint(row);
    }).then(function () {
      total(card);
      said.textContent = card.querySelector("[data-send]").textContent;
      part(card, "send").focus();
    });
  }

  function again() {
    place.replaceChildren();
    choose.hidden = false;
    step(0);
    choose.querySelector("button").focus();
  }

  // Returns what the rows ask for: targets in their order, each with its jobs. A visit that two rows share has its room once.
  function asked(card) {
    const targets = new Map();
    card.querySelectorAll("[data-row]").forEach(function (row) {
      const box = row.querySelector("input[name=row]");
      const goal = rowsOf.target(row);
      if (part(row, "to")) {
        const had = box.disabled;
        box.disabled = !goal || !row.querySelector("[data-keep]:checked") && !row.dataset.fresh;
        if (had && !box.disabled) box.checked = true;
        if (box.disabled) box.checked = false;
      }
      const key = goal && goal.key;
      const wanted = rowsOf.numbers(row, "fresh").map(function (at) { return { at: at, keep: false }; });
      row.querySelectorAll("[data-keep]:checked").forEach(function (keep) {
        rowsOf.numbers(row, keep.dataset.keep).forEach(function (at) { wanted.push({ at: at, keep: true }); });
      });
      const target = targets.get(key) || Object.assign({ isNew: key && key === goal.day, jobs: [] }, goal);
      const jobs = box.checked && key ? wanted.slice(0, target.room) : [];
      target.room -= jobs.length;
      jobs.forEach(function (job) { target.jobs.push(Object.assign(job, { target: target })); });
      if (key) targets.set(key, target);
      part(row, "add").textContent = jobs.length;
    });
    return Array.from(targets.values()).filter(function (target) { return target.jobs.length; });
  }

  function total(card) {
    const targets = asked(card);
    const n = targets.reduce(function (sum, target) { return sum + target.jobs.length; }, 0);
    const fresh = targets.filter(function (target) { return target.isNew; }).length;
    part(card, "total-add").textContent = n;
    part(card, "total-visits").textContent = words("visits", targets.length) + (fresh ? ", " + words("new", fresh) : "");
    const send = part(card, "send");
    send.disabled = !n;
    const label = place.dataset.add.replace("%p", words("found", n)).replace("%v", words("visits", targets.length));
    send.querySelector("span").textContent = n ? label : place.dataset.addNone;
    const open = Array.from(card.querySelectorAll("[data-to]")).filter(function (select) { return !rowsOf.target(select.closest("[data-row]")); });
    const left = open.reduce(function (sum, select) { return sum + rowsOf.numbers(select.closest("[data-row]"), "files").length; }, 0);
    part(card, "open-said").textContent = left ? words("open", left) : "";
  }

  // ---- sending

  function begin(card, folder) {
    const targets = asked(card);
    const jobs = targets.flatMap(function (target) { return target.jobs; });
    const form = new FormData();
    form.set("name", folder || "");
    form.set("asked", jobs.length);
    part(card, "send").disabled = true;
    post(place.dataset.begin, form).then(function (answer) { return answer.json(); }).then(function (paths) {
      run(targets, jobs, paths);
    }).catch(function () {
      part(card, "send").disabled = false;
      part(card, "open-said").textContent = place.dataset.offline;
    });
  }

  function progressRow(target) {
    const row = fromTemplate("import-running-row");
    const kind = part(row, "kind");
    part(row, "of").textContent = target.said;
    kind.textContent = target.isNew ? kind.dataset.new : kind.dataset.old;
    part(row, "bar").max = target.jobs.length;
    part(row, "bar").setAttribute("aria-label", target.said);
    target.row = row;
    target.done = 0;
    return row;
  }

  function run(targets, jobs, paths) {
    const card = fromTemplate("import-running");
    const rows = part(card, "rows");
    const began = Date.now();
    const queue = jobs.slice();
    const state = { done: 0, failed: 0, running: 0, isCancelled: false };
    const lane = window.sendAgain.lane(inFlight, next);
    rows.append.apply(rows, targets.map(progressRow));
    place.replaceChildren(card);
    document.querySelector("h1").textContent = place.dataset.importing.replace("%p", words("found", jobs.length));
    document.getElementById("import-lead").textContent = "";
    step(2);
    isSending = true;
    part(card, "bar").max = jobs.length;
    part(card, "cancel").addEventListener("click", function () {
      state.isCancelled = true;
      queue.length = 0;
      part(card, "cancel").disabled = true;
      said.textContent = place.dataset.cancelled;
    });
    part(card, "cancel").focus();

    function tell() {
      part(card, "sent").textContent = place.dataset.sent.replace("%s", state.done).replace("%n", jobs.length);
      part(card, "bar").value = state.done;
      const read = Object.values(analysed).reduce(function (sum, n) { return sum + n; }, 0);
      part(card, "analysed").textContent = words("analysed", read);
      part(card, "failed").textContent = state.failed ? words("failed", state.failed) : "";
      if (state.done > jobs.length / 10) part(card, "left").textContent = words("left", Math.ceil((Date.now() - began) / state.done * (jobs.length - state.done) / perMinute));
      targets.forEach(function (target) {
        part(target.row, "bar").value = target.done;
        part(target.row, "sent").textContent = place.dataset.sent.replace("%s", target.done).replace("%n", target.jobs.length);
        const n = analysed[target.day];
        part(target.row, "analysed").textContent = n ? words("analysed", n) : place.dataset.waiting;
      });
    }

    function next() {
      tell();
      while (lane.isFree(state.running) && queue.length) {
        const job = queue.shift();
        state.running += 1;
        send(job, paths, lane).then(function (isAdded) {
          state.running -= 1;
          if (isAdded === null && !state.isCancelled) return next(queue.unshift(job)); // it waits for its turn
          state.done += 1;
          job.target.done += 1;
          state.failed += isAdded ? 0 : 1;
          next();
        });
      }
      if (!state.running && !queue.length) end(paths, state);
    }
    next();
  }

  function fields(job) {
    const form = new FormData();
    form.set("photos", files[job.at].file, files[job.at].file.name);
    form.set("day", job.target.day);
    if (!job.target.isNew) form.set("visit", job.target.key);
    if (job.keep) form.set("keep_duplicate", "1");
    if (job.failure) form.set("failure", job.failure);
    return form;
  }

  function wait(ms) {
    return new Promise(function (resolve) { setTimeout(resolve, ms); });
  }

  // Resolves to whether the photo is in the record; to null when the server is too busy: then it waits for its turn in the lane.
  // Tries again by itself where that may help.
  function send(job, paths, lane, tries) {
    tries = tries || 1;
    return fetch(paths.add_imported_photo, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, body: fields(job) }).then(
      function (answer) {
        if (answer.status === 201) lane.arrived();
        if (answer.status === 201) return answer.json().then(function (added) { return Boolean(analysed = added.analysed); });
        return answer.json().catch(function () { return { retry: answer.status >= 500 }; }).then(function (refused) {
          if (/^duplicate/.test(refused.code || "")) return true; // there already
          if (refused.failure) job.failure = refused.failure;
          if (lane.mayWait(job, answer.headers.get("Retry-After"))) return null;
          if (refused.retry && tries < mostTries) return wait(1500 * tries).then(function () { return send(job, paths, lane, tries + 1); });
          return refused.failure ? keep(job) : report(job, paths, "fault");
        });
      },
      function () {
        return photoFiles.readable(files[job.at].file).then(function (isReadable) {
          if (!isReadable) return report(job, paths, "gone");
          if (tries < mostTries) return wait(1500 * tries).then(function () { return send(job, paths, lane, tries + 1); });
          return report(job, paths, "offline");
        });
      }
    );
  }

  function keep(job) {
    kept.set(String(job.failure), job);
    return false;
  }

  function report(job, paths, code) {
    const form = new FormData();
    form.set("code", code);
    form.set("name", files[job.at].file.name);
    form.set("day", job.target.day);
    if (job.failure) form.set("failure", job.failure);
    return post(paths.report_failure, form).then(function (answer) { return answer.json(); }).then(function (answer) {
      job.failure = answer.failure;
      return keep(job);
    }, function () { return false; }); // the server cannot be reached: the page says so at the end
  }

  // ---- the end

  function end(paths, state) {
    post(paths.finish_import, new FormData()).then(function () {
      isSending = false;
      said.textContent = state.isCancelled ? place.dataset.cancelled : place.dataset.done;
      history.replaceState(null, "", paths.show_import);
      document.querySelector("main > .head").hidden = true;
      refresh(paths);
    }, function () {
      part(place, "left").textContent = place.dataset.offline;
      setTimeout(function () { end(paths, state); }, 5000);
    });
  }

  function refresh(paths) {
    htmx.ajax("GET", paths.show_import, { target: "#import", swap: "innerHTML" });
    place.addEventListener("click", function (event) {
      const button = event.target.closest("[data-retry]");
      const job = button && kept.get(button.dataset.retry);
      if (!job) return;
      button.disabled = true;
      kept.delete(button.dataset.retry);
      isSending = true;
      const lane = window.sendAgain.lane(1, sendIt);
      function sendIt() {
        send(job, paths, lane).then(function (isAdded) {
          if (isAdded === null) return; // the lane calls again
          isSending = false;
          htmx.ajax("GET", paths.show_import, { target: "#import", swap: "innerHTML" });
        });
      }
      sendIt();
    });
  }

  document.addEventListener("htmx:afterSettle", function () {
    place.querySelectorAll("[data-retry]").forEach(function (button) { button.hidden = !kept.has(button.dataset.retry); });
  });

  choose.addEventListener("import:files", function (event) { take(event.detail.files, event.detail.folder); });
  addEventListener("beforeunload", function (event) {
    if (isSending) event.preventDefault();
  });
})();
