// The rows of an import's plan: into which visit each goes, and its thumbnails, drawn when the row comes into view.
window.importRows = (function () {
  "use strict";
  const shownThumbs = 3;
  const atOnce = 25;

  function numbers(row, name) {
    return row.dataset[name].split(" ").filter(Boolean).map(Number);
  }

  // Does something with each item, a few at a time, so that the page answers meanwhile. Resolves when all are done.
  function gently(items, act) {
    return new Promise(function (resolve) {
      let at = 0;
      (function more() {
        items.slice(at, at + atOnce).forEach(act);
        at += atOnce;
        if (at < items.length) setTimeout(more);
        else resolve();
      })();
    });
  }

  function thumb(file) {
    const image = document.createElement("img");
    image.width = image.height = 36;
    image.alt = "";
    image.decoding = "async";
    image.loading = "lazy";
    image.title = file.name;
    image.addEventListener("load", function () { URL.revokeObjectURL(image.src); });
    image.addEventListener("error", function () { // HEIC that the browser cannot draw
      const tile = document.createElement("span");
      tile.className = "thumbs__none";
      tile.title = image.title;
      image.replaceWith(tile);
    });
    image.src = URL.createObjectURL(file);
    return image;
  }

  // Returns what draws the thumbnails of a row of these files once the row is seen.
  function painter(files) {
    const seen = new IntersectionObserver(function (entries) {
      entries.filter(function (entry) { return entry.isIntersecting; }).forEach(function (entry) {
        const row = entry.target;
        seen.unobserve(row);
        row.querySelector("[data-thumbs]").append.apply(row.querySelector("[data-thumbs]"), pictures(row).slice(0, shownThumbs).map(thumb));
      });
    }, { rootMargin: "200px" });

    function pictures(row) {
      return numbers(row, "files").map(function (at) { return files[at].file; });
    }

    return function (row) {
      const see = row.querySelector("[data-see]");
      const all = see && see.querySelector("[data-all]");
      seen.observe(row);
      if (see) see.addEventListener("toggle", function () { all.replaceChildren.apply(all, pictures(row).map(thumb)); }, { once: true });
    };
  }

  function written(day) {
    const language = document.documentElement.lang;
    const shape = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
    return new Date(day + "T12:00:00Z").toLocaleDateString(language === "en" ? "en-GB" : language, shape);
  }

  // Returns the chosen option; for another date that of its visit, if the patient has one on that day.
  function chosen(select, other) {
    const isOther = select.value === "other";
    other.classList.toggle("is-shown", isOther);
    if (!isOther) return select.selectedOptions[0];
    if (!other.value || !other.checkValidity()) return null;
    const same = Array.from(select.options).find(function (option) { return option.dataset.of === other.value; });
    return same || { value: other.value, dataset: { of: other.value, said: written(other.value) } };
  }

  // Returns where the photos of a row go: {key, day, said, room}. The key is a visit's, or the day of a new one. Null while open.
  function target(row) {
    const select = row.querySelector("[data-to]");
    if (!select) return { key: row.dataset.visit || row.dataset.day, day: row.dataset.day, said: row.dataset.said, room: Number(row.dataset.room) };
    const option = chosen(select, row.querySelector("[data-other]"));
    if (!option || !option.value) return null;
    return { key: option.value, day: option.dataset.of, said: option.dataset.said, room: Number(option.dataset.room || row.dataset.room) };
  }

  return { gently: gently, numbers: numbers, painter: painter, target: target };
})();
