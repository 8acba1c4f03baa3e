// When something happens, fetch this page again and put its new parts in place. The server renders everything.
"use strict";
(() => {
  const kind = document.body.dataset.live;
  if (!kind || !window.EventSource) return;
  const pulse = document.getElementById("pulse");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0, last = 0, fetching = false, again = false;

  function say(state, words) {
    if (!pulse) return;
    pulse.hidden = false;
    pulse.className = "pulse " + state;
    pulse.textContent = words;
  }

  // At most one fetch a second, and never two at once.
  function soon() {
    if (timer) return;
    timer = setTimeout(refresh, Math.max(120, last + 1000 - Date.now()));
  }

  async function refresh() {
    timer = 0;
    if (fetching) { again = true; return; }
    fetching = true;
    last = Date.now();
    try {
      const r = await fetch(location.pathname + location.search, { headers: { "X-Rorpost-Live": "1" } });
      if (r.redirected) { location.reload(); return; }
      if (r.ok) swap(new DOMParser().parseFromString(await r.text(), "text/html"));
    } catch (e) {
      say("off", "no connection");
    } finally {
      fetching = false;
      if (again) { again = false; soon(); }
    }
  }

  // A part that somebody is typing in, or has opened, is left alone.
  function swap(page) {
    for (const old of document.querySelectorAll("[data-part]")) {
      const now = page.getElementById(old.id);
      if (!now || now.outerHTML === old.outerHTML) continue;
      if (old.contains(document.activeElement) || old.querySelector("details[open]")) continue;
      if ([...old.querySelectorAll("input")].some((i) => i.value !== i.defaultValue)) continue;
      if (old.id === "events") mark(old, now);
      old.replaceWith(document.adoptNode(now));
    }
  }

  function mark(old, now) {
    const seen = new Set([...old.children].map((li) => li.dataset.n));
    for (const li of now.children) if (li.dataset.n && !seen.has(li.dataset.n)) li.classList.add("new");
  }

  // A capsule flies through the tube that the event is about.
  function fly(e) {
    const key = e.what === "kept" ? "in:" + e.source : e.what === "delivered" ? "out:" + e.destination : "";
    const tube = key && document.querySelector('[data-tube="' + CSS.escape(key) + '"]');
    if (!tube || calm.matches || document.hidden || document.querySelectorAll(".capsule").length > 12) return;
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "animateMotion");
    dot.setAttribute("class", "capsule");
    dot.setAttribute("r", "5");
    path.setAttribute("dur", "0.8s");
    path.setAttribute("path", tube.getAttribute("d"));
    path.setAttribute("begin", "indefinite");
    dot.append(path);
    tube.parentNode.append(dot);
    path.beginElement();
    setTimeout(() => dot.remove(), 800);
  }

  const events = new EventSource("/api/v1/events");
  events.onopen = () => { say("on", "live"); if (kind === "all") soon(); };
  events.onerror = () => say("off", "reconnecting");
  events.addEventListener("store", (m) => {
    const e = JSON.parse(m.data);
    if (kind === "desk" && e.kind !== "scan") return;
    fly(e);
    soon();
  });
  // Ages and the state of links change without an event.
  if (kind === "all") setInterval(soon, 10000);
})();
