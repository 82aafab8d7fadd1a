// Photos from the camera of a computer. A phone opens its own camera instead (the "camera" field of the drop zone).
(function () {
  "use strict";
  const dialog = document.getElementById("camera-dialog");
  const video = dialog.querySelector("video");
  const said = dialog.querySelector("[data-camera-said]");
  const take = dialog.querySelector("[data-camera-take]");
  let taken = 0;
  let asked = 0; // counts requests: a stream that arrives after the dialog was closed or reopened is stopped

  function say(name) {
    said.textContent = said.dataset[name].replace("%s", taken);
  }

  function end(stream) {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
  }

  function stop() {
    asked += 1;
    end(video.srcObject);
    video.srcObject = null;
    take.disabled = true;
  }

  function start() {
    stop();
    const mine = asked;
    taken = 0;
    say("starting");
    dialog.showModal();
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } }).then(
      function (stream) {
        if (mine !== asked) return end(stream);
        video.srcObject = stream;
        wait(mine, 1);
      },
      function () { if (mine === asked) say("refused"); }
    );
  }

  // The first frame of a camera can be black. The third leaves one more for a camera that starts slowly.
  function wait(mine, frame) {
    video.requestVideoFrameCallback(function () {
      if (mine !== asked) return;
      if (frame < 3) return wait(mine, frame + 1);
      take.disabled = false;
      if (document.activeElement !== take) take.focus(); // a disabled button cannot have the focus
      say("ready");
    });
  }

  function shoot() {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob(function (blob) {
      if (!blob) return;
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
  addEventListener("blanked", stop); // the session has ended
})();
