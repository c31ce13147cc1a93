/* Reading: arrow keys turn pages, and the page leaves the screen when its time is over. Nothing is fetched ahead. */
(function () {
  "use strict";
  document.addEventListener("keydown", function (e) {
    if (e.altKey || e.ctrlKey || e.metaKey || e.shiftKey || /^(INPUT|TEXTAREA|SELECT|AUDIO|VIDEO)$/.test(e.target.tagName)) return;
    var figure = document.querySelector(".reader-page.enlarged");
    if (figure && figure.contains(e.target)) return; /* there the arrows move the picture */
    var link = document.querySelector('[data-key="' + e.key + '"]');
    if (link) { e.preventDefault(); link.click(); }
  });
  var ends = document.querySelector("[data-ends]");
  if (!ends) return;
  var left = new Date(ends.getAttribute("data-ends")) - Date.now();
  if (left > 0 && left < 2147483647) setTimeout(function () { window.location.reload(); }, left + 1000);
})();
