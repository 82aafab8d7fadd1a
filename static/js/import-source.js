// Where the files of an import come from: a folder or files that are chosen, or dropped anywhere on the page.
(function () {
  "use strict";
  const choose = document.getElementById("import-choose");
  if (!choose) return;
  const photoFiles = window.photoFiles;

  function offer(files, folder) {
    choose.dispatchEvent(new CustomEvent("import:files", { detail: { files: files, folder: folder } }));
  }

  document.querySelectorAll("[data-choose]").forEach(function (opener) {
    opener.addEventListener("click", function () { document.getElementById(opener.dataset.choose).click(); });
  });
  ["import-folder", "import-files"].forEach(function (id) {
    document.getElementById(id).tabIndex = -1; // the buttons are its way in: a field that is not seen takes no focus
    document.getElementById(id).addEventListener("change", function (event) {
      offer(Array.from(event.target.files), "");
      event.target.value = "";
    });
  });
  addEventListener("dragover", function (event) {
    if (!photoFiles.areFiles(event.dataTransfer) || choose.hidden) return;
    event.preventDefault();
    choose.classList.add("is-over");
  });
  addEventListener("dragleave", function (event) {
    if (event.relatedTarget === null) choose.classList.remove("is-over");
  });
  addEventListener("drop", function (event) {
    if (!photoFiles.areFiles(event.dataTransfer)) return;
    event.preventDefault(); // the browser would open the file
    choose.classList.remove("is-over");
    if (choose.hidden) return;
    const entry = event.dataTransfer.items && event.dataTransfer.items.length === 1 && event.dataTransfer.items[0].webkitGetAsEntry && event.dataTransfer.items[0].webkitGetAsEntry();
    const folder = entry && entry.isDirectory ? entry.name : "";
    photoFiles.dropped(event.dataTransfer).then(function (dropped) { offer(dropped, folder); });
  });
})();
