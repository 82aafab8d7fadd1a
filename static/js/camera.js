// Photos from the camera of a computer. A phone opens its own camera instead (the "camera" field of the drop zone).
(function () {
  "use strict";
  const dialog = document.getElementById("camera-dialog");
  const video = dialog.querySelector("video");
  const said = dialog.querySelector("[data-camera-said]");
  const take = dialog.querySelector("[data-camera-take]");
  let taken = 0;

  function say(name) {
    said.textContent = said.dataset[name].replace("%s", taken);
  }

  function stop() {
    if (video.srcObject) video.srcObject.getTracks().forEach(function (track) { track.stop(); });
    video.srcObject = null;
  }

  function start() {
    taken = 0;
    take.disabled = true;
    say("starting");
    dialog.showModal();
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } }).then(
      function (stream) {
        video.srcObject = stream;
        take.disabled = !dialog.open;
        if (dialog.open) say("ready");
        else stop();
      },
      function () { say("refused"); }
    );
  }

  function shoot() {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob(function (blob) {
      taken += 1;
      const file = new File([blob], "camera-" + taken + ".jpg", { type: "image/jpeg" });
      dispatchEvent(new CustomEvent("photos", { detail: [file] }));
      say("taken");
    }, "image/jpeg", 0.92);
  }

  addEventListener("click", function (event) {
    const opener = event.target.closest("[data-pick=camera]");
    const isPhone = matchMedia("(pointer: coarse)").matches;
    if (!opener || isPhone || !navigator.mediaDevices) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    start();
  }, true);
  take.addEventListener("click", shoot);
  dialog.querySelector("[data-camera-close]").addEventListener("click", function () { dialog.close(); });
  dialog.addEventListener("close", stop);
})();
