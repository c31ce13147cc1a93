/* The search boxes: answers as one types, keys, and what this browser remembers. Everything works without it, only slower. */
(function () {
  "use strict";
  var doc = document, $ = function (s, r) { return (r || doc).querySelector(s); };
  var all = function (s, r) { return Array.prototype.slice.call((r || doc).querySelectorAll(s)); };
  var find = $("#find"), live = $("#live"), big = $("#q"), results = $("#results");

  /* After a pause; never what is half composed: letters of an input method are no word yet. */
  function typed(input, pause, act) {
    var timer = null, composing = false, last = input.value.trim();
    function stop() { clearTimeout(timer); timer = null; }
    input.addEventListener("compositionstart", function () { composing = true; stop(); });
    input.addEventListener("compositionend", function () { composing = false; });
    input.addEventListener("input", function () {
      stop();
      timer = setTimeout(function () {
        var text = input.value.trim();
        if (text !== last && !composing && window.htmx) act(last = text);
      }, pause);
    });
    if (input.form) input.form.addEventListener("submit", stop);
  }

  /* What this browser remembers, for the person at it and nobody else: no server hears of it. Everybody else's goes, at
     signing out too, and all of it where the person may see what nothing should be written down of. */
  var RECENT = "recent:", MOST = 8, said = (find || {}).dataset || {}, mine = said.recent ? RECENT + said.recent : "";
  try {
    Object.keys(localStorage).forEach(function (k) { if (k.indexOf(RECENT) === 0 && k !== mine) localStorage.removeItem(k); });
  } catch (_) { mine = ""; }
  function recent() {
    try { return mine ? JSON.parse(localStorage.getItem(mine) || "[]").filter(function (t) { return typeof t === "string"; }) : []; } catch (_) { return []; }
  }
  function remember(text) {
    if (!mine || !text) return;
    var kept = [text].concat(recent().filter(function (t) { return t !== text; })).slice(0, MOST);
    try { localStorage.setItem(mine, JSON.stringify(kept)); } catch (_) { /* no room: nothing is kept */ }
  }
  function forget() {
    try { localStorage.removeItem(mine); } catch (_) { /* nothing was kept */ }
    draw();
    if (find) { show(null); (big || find).focus(); }
  }
  function links(list) {
    list.textContent = "";
    recent().forEach(function (text) {
      var line = doc.createElement("li"), link = doc.createElement("a"), words = doc.createElement("span");
      words.className = "live-title"; words.textContent = text;
      link.href = (big || find).form.getAttribute("action") + "?" + new URLSearchParams({ q: text });
      link.appendChild(words); line.appendChild(link); list.appendChild(line);
    });
    return list;
  }
  function draw() {
    var part = $("#recent");
    if (!part) return;
    links($("ul", part));
    part.hidden = !recent().length;
  }
  doc.addEventListener("click", function (e) { if (e.target.closest("[data-forget]")) forget(); });

  /* The search page: its whole state stands in the address, also while one types. */
  if (big) {
    typed(big, 300, function () {
      var asked = Array.from(new FormData(big.form)).filter(function (pair) { return pair[1]; });
      window.history.replaceState(window.history.state, "", big.form.getAttribute("action") + (asked.length ? "?" + new URLSearchParams(asked) : ""));
      window.htmx.trigger(big.form, "find");
    });
    remember(big.defaultValue.trim());
    draw();
    new MutationObserver(draw).observe(results, { childList: true });
    results.addEventListener("click", function (e) { if (e.target.closest(".hits a")) remember(big.value.trim()); });
  }
  doc.addEventListener("formdata", function (e) {
    if (e.target.closest(".facet-dates")) Array.from(e.formData.entries()).forEach(function (pair) { if (!pair[1]) e.formData.delete(pair[0]); });
  });

  /* `/` to the box, wherever one is. */
  doc.addEventListener("keydown", function (e) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) || e.target.isContentEditable;
    if (e.key !== "/" || e.isComposing || typing || e.ctrlKey || e.metaKey || e.altKey || !(big || find)) return;
    e.preventDefault(); (big || find).focus(); (big || find).select();
  });

  /* The list under the box of the top bar: a combobox of WAI-ARIA; the focus stays in the box. */
  if (!find) return;
  var status = doc.createElement("span"), at = -1;
  status.className = "sr-only"; status.setAttribute("role", "status"); find.form.appendChild(status);
  live.removeAttribute("aria-live");
  [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-haspopup", "listbox"], ["aria-expanded", "false"]].forEach(function (a) { find.setAttribute(a[0], a[1]); });

  function options() { return all("a", live); }
  function choose(n) {
    var stops = options();
    stops.forEach(function (a, i) { a.setAttribute("aria-selected", i === n ? "true" : "false"); });
    at = stops[n] ? n : -1;
    if (at < 0) { find.removeAttribute("aria-activedescendant"); return; }
    find.setAttribute("aria-activedescendant", stops[at].id);
    stops[at].scrollIntoView({ block: "nearest" });
  }
  function dress() {
    var box = $(".live-recent ul", live) || live, stops = options();
    live.removeAttribute("role");
    if (stops.length) { box.setAttribute("role", "listbox"); box.setAttribute("aria-label", find.form.querySelector("label").textContent); find.setAttribute("aria-controls", box.id); }
    all("li", live).concat(all("ul", live).filter(function (u) { return u !== box; })).forEach(function (el) { el.removeAttribute("aria-labelledby"); el.setAttribute("role", "none"); });
    all(".live-group", live).forEach(function (g) {
      var title = $("h2", g);
      g.setAttribute("role", "group"); g.setAttribute("aria-label", title.textContent.trim()); title.setAttribute("aria-hidden", "true");
    });
    stops.forEach(function (a, i) { a.id = "live-" + i; a.tabIndex = -1; a.setAttribute("role", "option"); });
    find.setAttribute("aria-expanded", String(stops.length > 0 && doc.activeElement === find));
    status.textContent = stops.length ? (said.count || "").replace("{n}", stops.length) : live.textContent.trim();
    choose(-1);
  }
  new MutationObserver(dress).observe(live, { childList: true });
  function show(part) { live.textContent = ""; if (part) live.appendChild(part); }
  function remind() {
    if (find.value.trim() || !recent().length) return;
    var part = doc.createElement("section"), title = doc.createElement("h2"), clear = doc.createElement("button"), list = doc.createElement("ul");
    part.className = "live-recent"; title.textContent = said.title;
    clear.type = "button"; clear.textContent = said.clear; clear.setAttribute("data-forget", ""); title.appendChild(clear);
    list.className = "live-list"; list.id = "live-recent"; links(list);
    part.appendChild(title); part.appendChild(list); show(part);
  }
  typed(find, 220, function (text) { if (text) window.htmx.trigger(find, "find"); else { show(null); remind(); } });
  find.addEventListener("focus", function () { if (live.textContent) find.setAttribute("aria-expanded", "true"); else remind(); });
  find.form.addEventListener("focusout", function (e) { if (!find.form.contains(e.relatedTarget)) { find.setAttribute("aria-expanded", "false"); choose(-1); } });
  find.addEventListener("keydown", function (e) {
    var stops = options();
    if (e.isComposing || !stops.length) return;
    if (e.key === "ArrowDown") choose(at + 1 < stops.length ? at + 1 : 0);
    else if (e.key === "ArrowUp") choose(at > 0 ? at - 1 : stops.length - 1);
    else if (e.key === "Escape") show(null);
    else if (e.key === "Enter" && at >= 0) stops[at].click();
    else return;
    e.preventDefault();
  });
  live.addEventListener("click", function (e) { if (e.target.closest("a")) remember(find.value.trim()); });
})();
