/* Small comforts on top of pages that work without any of this. No framework, no inline handler, no eval. */
(function () {
  "use strict";
  var doc = document, $ = function (s, r) { return (r || doc).querySelector(s); };
  var all = function (s, r) { return Array.prototype.slice.call((r || doc).querySelectorAll(s)); };
  var form = function (el) { return el && el.closest ? el.closest("form") : null; };

  /* While Chinese is being composed nobody hears of it, htmx neither; the finished word is one `input`. */
  doc.addEventListener("input", function (e) { if (e.isComposing) e.stopImmediatePropagation(); }, true);
  doc.addEventListener("compositionend", function (e) { e.target.dispatchEvent(new Event("input", { bubbles: true })); });

  /* What htmx shows without a reload stands in the address too: filters of a list, the tab that is open. */
  function stand(address) { window.history.replaceState(window.history.state, "", address); }
  ["change", "input"].forEach(function (name) {
    doc.addEventListener(name, function (e) {
      var f = form(e.target);
      if (!f || f.dataset.address === undefined || !window.htmx) return;
      var asked = Array.from(new FormData(f)).filter(function (pair) { return pair[1]; });
      stand(f.getAttribute("action") + (asked.length ? "?" + new URLSearchParams(asked) : ""));
    });
  });
  doc.addEventListener("click", function (e) {
    var link = e.target.closest("a[data-address]");
    if (link && window.htmx && !e.ctrlKey && !e.metaKey && !e.shiftKey) stand(link.getAttribute("href"));
  });
  /* Keys: Ctrl+Enter saves, Escape closes what is open. */
  doc.addEventListener("keydown", function (e) {
    if (e.isComposing) return;
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && form(e.target)) {
      var press = $("button[type=submit].btn-primary", form(e.target)) || $("button[type=submit]", form(e.target));
      if (press) { e.preventDefault(); press.click(); }
    }
    if (e.key === "Escape" && /^#(nav|new)$/.test(location.hash)) location.hash = "main";
    if (e.key === "Escape") all("details.menu[open], details.confirm[open]").forEach(function (d) { d.open = false; $("summary", d).focus(); });
  });
  doc.addEventListener("click", function (e) {
    all("details.menu[open], details.confirm[open]").forEach(function (d) { if (!d.contains(e.target) || e.target.closest("[data-close]")) d.open = false; });
    if (e.target.closest("[data-print]")) window.print();
  });
  all("[data-print], [data-close]").forEach(function (b) { b.hidden = false; });
  if ($("[data-focus]")) $("[data-focus]").focus();

  /* Forms: a busy button, sent once; a warning before what was typed is lost; a draft where the page allows one. */
  var dirty = false;
  function key(f) { return "draft:" + f.dataset.draft; }
  function keep(f) {
    var kept = {};
    all("input, textarea, select", f).forEach(function (i) {
      if (i.name && !/^(hidden|password|file|submit)$/.test(i.type)) (kept[i.name] = kept[i.name] || []).push(/^(checkbox|radio)$/.test(i.type) ? i.checked : i.value);
    });
    try { sessionStorage.setItem(key(f), JSON.stringify(kept)); } catch (_) { /* no room: nothing is kept */ }
  }
  function restore(f) {
    var kept = {};
    try { kept = JSON.parse(sessionStorage.getItem(key(f)) || "{}"); } catch (_) { return; }
    all("input, textarea, select", f).forEach(function (i) {
      if (!kept[i.name] || !kept[i.name].length || /^(hidden|password|file|submit)$/.test(i.type)) return;
      var was = kept[i.name].shift();
      if (/^(checkbox|radio)$/.test(i.type)) i.checked = was; else if (was !== "") i.value = was;
    });
  }
  try { /* a draft ends when its form was sent and another page came of it */
    var sent = sessionStorage.getItem("sent");
    sessionStorage.removeItem("sent");
    if (sent && !$("form[data-draft]")) sessionStorage.removeItem(sent);
  } catch (_) { /* nothing was kept */ }
  all("form[data-draft]").forEach(function (f) { if (!$(".errors", f.parentNode)) restore(f); });
  doc.addEventListener("input", function (e) {
    var f = form(e.target);
    if (!f || f.dataset.form === undefined) return;
    dirty = true;
    if (f.dataset.draft) keep(f);
  });
  doc.addEventListener("submit", function (e) {
    var f = e.target;
    if (f.dataset.sent) { e.preventDefault(); return; }
    if (f.method !== "post" || f.hasAttribute("hx-post")) return;
    f.dataset.sent = "1"; dirty = false;
    if (f.dataset.draft) try { sessionStorage.setItem("sent", key(f)); } catch (_) { /* nothing was kept */ }
    var press = e.submitter || $("button[type=submit]", f);
    if (press) { press.classList.add("busy"); press.setAttribute("aria-busy", "true"); }
  });
  window.addEventListener("pageshow", function (e) {
    if (e.persisted) all("form[data-sent]").forEach(function (f) { delete f.dataset.sent; all(".busy", f).forEach(function (b) { b.classList.remove("busy"); b.removeAttribute("aria-busy"); }); });
  });
  window.addEventListener("beforeunload", function (e) { if (dirty && !$("form[data-draft]")) { e.preventDefault(); e.returnValue = ""; } });

  /* What belongs to one choice shows when it is chosen: data-when="name=code code". Without scripts all of it shows. */
  function choose(f) {
    all("[data-when]", f).forEach(function (box) {
      var parts = box.dataset.when.split("="), chosen = new FormData(f).get(parts[0]);
      var here = chosen === null || parts[1].split(" ").indexOf(chosen) >= 0;
      box.hidden = !here;
      if (box.tagName === "FIELDSET") box.disabled = !here; else all("input", box).forEach(function (i) { i.disabled = !here; });
    });
  }
  all("form").forEach(function (f) { if ($("[data-when]", f)) { choose(f); f.addEventListener("change", function () { choose(f); }); } });

  /* Toasts go by themselves, unless one is reading them. */
  setTimeout(function fade() {
    if ($("#toasts:hover, #toasts:focus-within")) { setTimeout(fade, 2000); return; }
    all(".toast-line").forEach(function (t) { t.classList.add("gone"); setTimeout(function () { t.remove(); }, 200); });
  }, 6000);

  /* Clocks tick without reload: the phrases come from the server, in the language of the page. */
  var words = JSON.parse(($("meta[name=time-words]") || {}).content || "{}");
  function phrase(past, ahead, seconds) {
    var way = seconds >= 0 ? ahead : past, span = Math.abs(seconds);
    if (span < 60 && (way === "ago" || way === "in")) return words.now;
    var unit = span < 3600 ? ["m", 60] : span < 172800 ? ["h", 3600] : ["d", 86400];
    return words[way + "_" + unit[0]].replace("{n}", Math.max(1, Math.floor(span / unit[1])));
  }
  function tick() {
    if (!words.now) return;
    all("time[datetime]").forEach(function (t) {
      var seconds = (new Date(t.getAttribute("datetime")) - Date.now()) / 1000, rel = $("[data-rel]", t);
      if (rel) rel.textContent = phrase("ago", "in", seconds);
      if (t.dataset.left === undefined) return;
      t.textContent = phrase("late", "left", seconds);
      t.className = "left left-" + (seconds < 0 ? "late" : seconds < 172800 ? "soon" : "calm");
    });
  }
  setInterval(tick, 30000);

  /* Navigation groups stay as they were folded. */
  all("details[data-fold]").forEach(function (d) {
    var k = "fold:" + d.dataset.fold;
    try { if (localStorage.getItem(k) === "0" && !$("[aria-current]", d)) d.open = false; } catch (_) { return; }
    d.addEventListener("toggle", function () { try { localStorage.setItem(k, d.open ? "1" : "0"); } catch (_) { /* not kept */ } });
  });
})();
