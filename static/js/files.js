// What pages that take photos ask of files before anything is sent: their kind, their size, whether they can be read, and what a
// dropped folder holds. Scripts that take photos are loaded after this one.
window.photoFiles = (function () {
  "use strict";
  const mostNamed = 3;
  const atOnce = 25;
  const brands = /^(avif|avis|heic|heix|heim|heis|hevc|hevx|hevm|hevs|mif1|mif2|msf1|miaf)$/;

  function size(file) {
    const one = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    if (file.size < 1e5) return Math.ceil(file.size / 1e3) + " kB";
    return (file.size / 1e6).toLocaleString(document.documentElement.lang, one) + " MB";
  }

  // Resolves to whether a byte of the file can still be read: not when it was moved, or the card that held it was pulled.
  function readable(file) {
    return file.slice(0, 1).arrayBuffer().then(function (bytes) { return bytes.byteLength === 1 || !file.size; }, function () { return false; });
  }

  // The server decides by the bytes, too: ml/decode/formats.py. A name proves nothing.
  function isPicture(bytes) {
    const text = String.fromCharCode.apply(null, bytes);
    if (text.startsWith("\xFF\xD8\xFF") || text.startsWith("\x89PNG\r\n\x1A\n")) return true;
    if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return true;
    return text.slice(4, 8) === "ftyp" && (text.slice(8).match(/.{4}/gs) || []).some(function (brand) { return brands.test(brand); });
  }

  // Resolves to why a file cannot be taken: "empty", "too_large", "wrong_kind", "gone"; or to "" when it can.
  function problem(file, maxBytes) {
    if (file.size > maxBytes) return Promise.resolve("too_large");
    return file.slice(0, 272).arrayBuffer().then(function (bytes) {
      if (!bytes.byteLength) return file.size ? "gone" : "empty";
      return isPicture(new Uint8Array(bytes)) ? "" : "wrong_kind";
    }, function () { return "gone"; });
  }

  // Resolves to the files that can be taken, and the others by problem. It asks a few at a time: hundreds at once stop the page.
  async function sorted(files, maxBytes) {
    const found = { good: [], bad: {} };
    for (let at = 0; at < files.length; at += atOnce) {
      const some = Array.from(files).slice(at, at + atOnce);
      const problems = await Promise.all(some.map(function (file) { return problem(file, maxBytes); }));
      problems.forEach(function (why, n) {
        if (why) (found.bad[why] = found.bad[why] || []).push(some[n]);
        else found.good.push(some[n]);
      });
    }
    return found;
  }

  // "a.jpg (18.2 MB), b.jpg (20 MB), c.jpg (16 MB) + 2"
  function named(files, withSize) {
    const names = files.slice(0, mostNamed).map(function (file) { return file.name + (withSize ? " (" + size(file) + ")" : ""); });
    return names.join(", ") + (files.length > mostNamed ? " + " + (files.length - mostNamed) : "");
  }

  // Fills the words of an element: data-NAME-one for one, data-NAME with %s for more.
  function counted(place, name, n) {
    return n === 1 ? place.dataset[name + "One"] : place.dataset[name].replace("%s", n);
  }

  // Resolves to the files that were dropped, those in folders too. The browser forgets them after the event: ask for all at once.
  function dropped(transfer) {
    const entries = Array.from(transfer.items || [], function (item) { return item.webkitGetAsEntry && item.webkitGetAsEntry(); });
    if (!entries.some(function (entry) { return entry && entry.isDirectory; })) return Promise.resolve(Array.from(transfer.files));
    return Promise.all(entries.filter(Boolean).map(inside)).then(function (lists) { return lists.flat(); });
  }

  // Whether it is a file that an operating system hides: no one chose it.
  function isHidden(name) {
    return name.startsWith(".") || /^(Thumbs\.db|desktop\.ini)$/i.test(name);
  }

  // Resolves to the files of an entry and of its folders, by name.
  function inside(entry) {
    if (isHidden(entry.name)) return Promise.resolve([]);
    if (!entry.isDirectory) {
      return new Promise(function (resolve) { entry.file(function (file) { resolve([file]); }, function () { resolve([]); }); });
    }
    const reader = entry.createReader();
    const found = [];
    return new Promise(function (resolve) {
      (function more() { // a reader gives a hundred at a time
        reader.readEntries(function (some) {
          found.push.apply(found, some);
          if (some.length) more();
          else resolve();
        }, resolve);
      })();
    }).then(function () {
      found.sort(function (a, b) { return a.name.localeCompare(b.name, undefined, { numeric: true }); });
      return Promise.all(found.map(inside));
    }).then(function (lists) { return lists.flat(); });
  }

  function areFiles(transfer) {
    return Boolean(transfer) && Array.from(transfer.types).indexOf("Files") >= 0;
  }

  return { size: size, readable: readable, sorted: sorted, named: named, counted: counted, dropped: dropped, isHidden: isHidden, areFiles: areFiles };
})();
