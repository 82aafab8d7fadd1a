// A photo with several faces, large: by its link "Enlarge", or a click on the picture beside the faces. Without this script the
// link opens the page of the photo.
(function () {
  "use strict";
  const dialog = document.getElementById("enlarged");
  const place = dialog.querySelector("[data-enlarged]");
  let card = null;

  function open(link) {
    card = link.closest(".photo");
    const picture = card.querySelector(".photo__img > svg").cloneNode(true);
    picture.querySelector("image").setAttribute("href", link.dataset.enlarge);
    picture.setAttribute("preserveAspectRatio", "xMidYMid meet");
    place.replaceChildren(picture);
    mark();
    dialog.showModal();
  }

  function radio(face) {
    return card.querySelector('.pick input[value="' + face + '"]');
  }

  function mark() {
    place.querySelectorAll("[data-face]").forEach(function (face) {
      face.classList.toggle("is-chosen", radio(face.dataset.face).checked);
    });
  }

  function choose(choice) {
    if (!choice) return;
    choice.click();
    mark();
  }

  addEventListener("click", function (event) {
    const link = event.target.closest("[data-enlarge]");
    const picture = !link && event.target.closest(".photo.is-choose .photo__img > svg");
    if (event.target.closest("[data-enlarged-close]")) return dialog.close();
    if (dialog.contains(event.target)) {
      const face = event.target.closest("[data-face]");
      if (face) choose(radio(face.dataset.face));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.target.closest("[data-face]") || (!link && !picture)) return;
    event.preventDefault();
    open(link || picture.closest(".photo").querySelector("[data-enlarge]"));
  });
  dialog.addEventListener("keydown", function (event) {
    if (/^[1-9]$/.test(event.key)) choose(card.querySelector('.pick input[data-number="' + event.key + '"]'));
  });
})();
