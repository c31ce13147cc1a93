/* The camera as a scanner, where the browser has one: each code is sent through the form that works without this file.
   The field keeps the focus, so that a hand scanner can be used without touching the screen. */
(function () {
  "use strict";
  var form = document.querySelector("form[data-scan]");
  if (!form) return;
  var field = form.elements.code, box = form.querySelector("[data-camera]"), video = form.querySelector("video");
  var stream = null, busy = false, last = "", lastAt = 0, detector = null;

  document.addEventListener("visibilitychange", function () { if (!document.hidden && !stream) field.focus({ preventScroll: true }); });
  document.addEventListener("click", function (e) { if (!stream && !e.target.closest("a, button, input, select, textarea, summary, label")) field.focus({ preventScroll: true }); });

  if (!("BarcodeDetector" in window) || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
  window.BarcodeDetector.getSupportedFormats().then(function (formats) {
    if (formats.indexOf("qr_code") < 0) return;
    detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    box.hidden = false;
  }).catch(function () {});

  var button = box.querySelector("button"), words = button.querySelector("span"), on = words.textContent;
  button.addEventListener("click", function () { if (stream) stop(); else begin(); });

  function begin() {
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(function (found) {
      stream = found; video.srcObject = found; video.hidden = false; words.textContent = words.dataset.off;
      return video.play();
    }).then(look).catch(stop);
  }
  function stop() {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null; video.srcObject = null; video.hidden = true; words.textContent = on; field.focus();
  }
  function look() {
    if (!stream) return;
    detector.detect(video).then(function (codes) {
      var text = codes.length ? codes[0].rawValue : "";
      if (!text || busy || (text === last && Date.now() - lastAt < 4000)) return null;
      last = text; lastAt = Date.now();
      return send(text);
    }).catch(function () {}).then(function () { window.setTimeout(look, 150); });
  }
  function send(text) {
    busy = true;
    var data = new FormData(form);
    data.set("code", text);
    return fetch(form.action, { method: "POST", body: data, credentials: "same-origin" }).then(function (answer) { return answer.text(); }).then(function (page) {
      var fresh = new DOMParser().parseFromString(page, "text/html");
      ["#check-lines", "#toasts"].forEach(function (part) {
        var there = document.querySelector(part), here = fresh.querySelector(part);
        if (there && here) there.replaceWith(document.importNode(here, true));
      });
      if (navigator.vibrate) navigator.vibrate(60);
      busy = false;
    }, function () { busy = false; });
  }
})();
