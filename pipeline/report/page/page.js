"use strict";
(() => {
  var __defProp = Object.defineProperty;
  var __export = (target, all) => {
    for (var name2 in all)
      __defProp(target, name2, { get: all[name2], enumerable: true });
  };

  // src/dom.js
  var SVG = "http://www.w3.org/2000/svg";
  function fill(element, attributes, children) {
    for (const [name2, value] of Object.entries(attributes)) {
      if (value !== null && value !== void 0 && value !== false) {
        element.setAttribute(name2, value === true ? "" : String(value));
      }
    }
    for (const child of children) {
      if (child !== null && child !== void 0 && child !== "") {
        element.append(child);
      }
    }
    return element;
  }
  function make(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }
  function draw(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }
  function button(label2, pressed2, attributes = {}) {
    const element = make("button", { type: "button", ...attributes }, label2);
    element.addEventListener("click", pressed2);
    return element;
  }
  function find(selector, within2 = document) {
    const found2 = within2.querySelector(selector);
    if (!(found2 instanceof HTMLElement || found2 instanceof SVGElement)) {
      throw new Error(`the page has no ${selector}`);
    }
    return (
      /** @type {HTMLElement} */
      found2
    );
  }
  function data(id) {
    return JSON.parse(document.getElementById(id)?.textContent || "null");
  }
  function announcer(element, delay) {
    let timer = 0;
    return (text3) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        element.textContent = text3;
      }, delay);
    };
  }
  var announcers = /* @__PURE__ */ new Map();
  function say(text3) {
    const region = [...document.querySelectorAll("dialog[open] .said")].at(-1) ?? find("#said");
    const speak = announcers.get(region) ?? announcer(
      /** @type {HTMLElement} */
      region,
      50
    );
    announcers.set(region, speak);
    speak(text3);
  }
  var toastTimer = 0;
  function toast(text3, kind = "") {
    const box = find("#toast");
    box.replaceChildren(text3);
    box.className = kind;
    box.hidePopover();
    box.showPopover();
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => box.hidePopover(), kind ? 12e3 : 3e3);
    say(text3);
  }
  function openDialog(title, children, attributes = {}) {
    const heading2 = make("h2", { id: "dialog-title", tabindex: "-1" }, title);
    const close = button("Close", () => dialog2.close(), { class: "quiet" });
    const dialog2 = make(
      "dialog",
      { "aria-labelledby": "dialog-title", ...attributes, class: `small ${attributes.class ?? ""}`.trim() },
      make("div", { class: "dialog-bar" }, heading2, close),
      ...children,
      make("p", { class: "said unseen", role: "status" })
    );
    const before2 = document.activeElement;
    dialog2.addEventListener("close", () => {
      dialog2.remove();
      if (before2 instanceof HTMLElement && document.activeElement === document.body) {
        before2.focus({ preventScroll: true });
      }
    });
    dialog2.addEventListener("click", (event2) => {
      if (event2.target === dialog2) {
        dialog2.close();
      }
    });
    document.body.append(dialog2);
    dialog2.showModal();
    return dialog2;
  }
  function remembered(name2) {
    try {
      return localStorage.getItem(`pipeline.${name2}`) ?? "";
    } catch {
      return "";
    }
  }
  function remember(name2, value) {
    try {
      if (value) {
        localStorage.setItem(`pipeline.${name2}`, value);
      } else {
        localStorage.removeItem(`pipeline.${name2}`);
      }
      return true;
    } catch {
      return false;
    }
  }

  // src/words.js
  var LOCALE = "en-GB";
  var DAY = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
  var MOMENT = new Intl.DateTimeFormat(LOCALE, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit"
  });
  var CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
  var WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: "UTC" });
  var MONTH = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });
  var DATE = new Intl.DateTimeFormat(LOCALE, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC"
  });
  var SHORT_DATE = new Intl.DateTimeFormat(LOCALE, {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC"
  });
  var STATUS = { succeeded: "Succeeded", failed: "Failed", in_doubt: "In doubt", pending: "To do" };
  var VERDICT = { kept: "Kept", rejected: "Rejected" };
  var SETTLED = {
    found: "found in the provider's list of requests",
    billed: "charged, by a person's word",
    not_billed: "not charged, by a person's word"
  };
  function number(value) {
    return value.toLocaleString(LOCALE);
  }
  function money(amount) {
    const size2 = Math.abs(amount);
    const fits = (digits2) => size2 >= 1 || Math.abs(Number(size2.toFixed(digits2)) - size2) <= size2 / 100;
    const digits = [2, 4, 6].find(fits) ?? 6;
    const text3 = size2.toLocaleString(LOCALE, {
      minimumFractionDigits: 2,
      maximumFractionDigits: digits
    });
    return `${amount < 0 && Number(size2.toFixed(digits)) ? "-" : ""}$${text3}`;
  }
  function lasting(seconds) {
    if (seconds < 10) {
      return `${Number(seconds.toFixed(1))} s`;
    }
    const whole = Math.round(seconds);
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole % 3600 / 60)];
    if (hours) {
      return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
    }
    return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
  }
  function size(bytes) {
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
    const value = bytes / 1e3 ** unit;
    return `${number(Number(value.toFixed(unit && value < 10 ? 1 : 0)))} ${units[unit]}`;
  }
  function moment(text3) {
    const when2 = new Date(text3);
    return Number.isNaN(when2.getTime()) ? text3 : MOMENT.format(when2);
  }
  function plain(value) {
    if (typeof value === "boolean") {
      return value ? "yes" : "no";
    }
    return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  function named(name2) {
    const words = name2.replace(/[_-]+/g, " ").trim();
    return words ? words.charAt(0).toUpperCase() + words.slice(1) : name2;
  }
  function titled(entry) {
    return entry.prompt || entry.task;
  }
  function brief(text3, longest = 120) {
    return text3.length <= longest ? text3 : `${text3.slice(0, longest).trimEnd()}…`;
  }

  // src/media.js
  var calm = matchMedia("(prefers-reduced-motion: reduce)");
  var REST = 250;
  var TILES = 9;
  var WIDE_ENOUGH = 260;
  var loaders = /* @__PURE__ */ new WeakMap();
  var loaded = /* @__PURE__ */ new Set();
  var screens = /* @__PURE__ */ new WeakMap();
  var playing = null;
  var muted = true;
  var nearby = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        const loader = loaders.get(target);
        if (isIntersecting && !loaded.has(target)) {
          loaded.add(target);
          loader?.load();
        } else if (!isIntersecting && loaded.has(target)) {
          loaded.delete(target);
          loader?.unload();
        }
      }
    },
    { rootMargin: "300px 0px" }
  );
  function watch(holder, loader) {
    loaders.set(holder, loader);
    nearby.observe(holder);
  }
  function letGo(container) {
    for (const holder of loaded) {
      if (container.contains(holder)) {
        nearby.unobserve(holder);
        loaded.delete(holder);
        loaders.get(holder)?.unload();
      }
    }
    for (const box of container.querySelectorAll(".screen")) {
      screens.get(box)?.rest();
    }
  }
  function ratio(entry) {
    if (entry.shape) {
      return entry.shape;
    }
    if (entry.poster_w && entry.poster_h) {
      return bounded(entry.poster_w / entry.poster_h);
    }
    if (entry.media?.width && entry.media.height) {
      return bounded(entry.media.width / entry.media.height);
    }
    const { aspect_ratio: aspect2, width, height } = entry.params ?? {};
    const parts = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(String(aspect2 ?? ""));
    const known2 = parts ? Number(parts[1]) / Number(parts[2]) : Number(width) / Number(height);
    return known2 > 0.1 && known2 < 10 ? known2 : 0;
  }
  function bounded(shape2) {
    return Math.min(Math.max(shape2, 0.1), 10);
  }
  function picture(entry, holder, { thumb: thumb2 = false } = {}) {
    if (entry.status !== "succeeded") {
      return reason(entry);
    }
    if (!entry.src && entry.poster) {
      return onlyStills(entry, holder, thumb2);
    }
    if (entry.missing || !entry.src) {
      return absent(entry);
    }
    if (entry.kind === "image") {
      return image(entry, holder);
    }
    if (entry.kind === "audio" && !thumb2) {
      return audio(entry, holder);
    }
    if (entry.kind === "video") {
      return thumb2 ? still(entry, holder) : new Screen(entry, holder).box;
    }
    return instead("", "File", entry.file ?? "");
  }
  function onlyStills(entry, holder, thumb2) {
    return entry.kind === "video" && entry.strip && !thumb2 ? new Screen(entry, holder).box : make("img", { src: entry.poster, alt: thumb2 ? "" : brief(titled(entry)), decoding: "async" });
  }
  function player(entry) {
    if (entry.kind !== "video" || entry.status !== "succeeded" || entry.missing || !entry.src) {
      const box = make("div", { class: "screen" });
      box.append(picture(entry.src ? { ...entry, poster: void 0 } : entry, box));
      return box;
    }
    const film = video(entry);
    film.controls = true;
    film.autoplay = !calm.matches;
    if (entry.poster) {
      film.poster = entry.poster;
    }
    film.preload = calm.matches && entry.poster ? "none" : "auto";
    film.addEventListener("error", () => film.hasAttribute("src") && film.replaceWith(absent(entry)));
    film.addEventListener("volumechange", () => {
      muted = film.muted;
    });
    film.src = entry.src;
    return film;
  }
  function instead(kind, what, ...words) {
    const lines2 = words.filter(Boolean).map((text3) => make("span", { dir: "auto" }, brief(text3, 400)));
    return make("div", { class: `instead ${kind}` }, make("strong", {}, what), ...lines2);
  }
  function reason(entry) {
    const label2 = entry.standing === "accepted" ? "Waiting at the provider" : STATUS[entry.status] ?? "";
    const why = entry.words?.what ?? entry.error ?? (entry.status === "pending" ? "" : "No reason was given.");
    return instead(entry.status, label2, why, entry.words?.todo ?? "");
  }
  function absent(entry) {
    const why = entry.file ? `${entry.file} is not beside this page, or cannot be played here.` : "No file was recorded.";
    return instead("absent", "Not here", why);
  }
  function bindSource(element, entry, holder, gone) {
    element.addEventListener("error", () => {
      if (element.hasAttribute("src")) {
        gone();
      }
    });
    watch(holder, {
      load() {
        element.src = entry.src ?? "";
      },
      unload() {
        release(element);
      }
    });
  }
  function release(element) {
    element.removeAttribute("src");
    if (element instanceof HTMLMediaElement) {
      element.load();
    }
  }
  function image(entry, holder) {
    const element = make("img", { alt: brief(titled(entry)), decoding: "async" });
    if (entry.poster) {
      element.addEventListener("error", () => element.replaceWith(absent(entry)), { once: true });
      element.src = entry.poster;
    } else {
      bindSource(element, entry, holder, () => element.replaceWith(absent(entry)));
    }
    return element;
  }
  function audio(entry, holder) {
    const element = make("audio", { controls: true, preload: "metadata", "aria-label": brief(titled(entry)) });
    bindSource(element, entry, holder, () => element.replaceWith(absent(entry)));
    return element;
  }
  function video(entry) {
    const element = make("video", {
      playsinline: true,
      preload: "metadata",
      loop: entry.params.loop === true,
      "aria-label": brief(titled(entry)),
      disableremoteplayback: true
    });
    element.muted = muted;
    element.defaultMuted = muted;
    return element;
  }
  function still(entry, holder) {
    if (entry.poster) {
      const element = make("img", { alt: "", decoding: "async", loading: "lazy", src: entry.poster });
      element.addEventListener("error", () => element.replaceWith(firstFrame(entry, holder)), { once: true });
      return element;
    }
    return firstFrame(entry, holder);
  }
  function firstFrame(entry, holder) {
    const element = video(entry);
    element.muted = true;
    element.setAttribute("aria-hidden", "true");
    element.tabIndex = -1;
    bindSource(
      element,
      entry,
      holder,
      () => (element.closest(".screen") ?? element).replaceWith(absent(entry))
    );
    return element;
  }
  var Screen = class {
    /** @type {HTMLVideoElement | null} */
    film = null;
    isPreview = false;
    timer = 0;
    /**
     * @param {Entry} entry
     * @param {HTMLElement} holder
     */
    constructor(entry, holder) {
      this.entry = entry;
      this.cover = make("button", {
        type: "button",
        class: "play",
        tabindex: "-1",
        "aria-label": "Play"
      });
      this.strip = make("div", { class: "strip", "aria-hidden": "true", hidden: true });
      this.box = make("div", { class: "screen" }, still(entry, holder), this.strip, this.cover);
      this.cover.hidden = !entry.src;
      this.cover.addEventListener("click", () => this.toggle());
      this.box.addEventListener("pointerenter", (event2) => this.hover(event2));
      this.box.addEventListener("pointermove", (event2) => this.scrub(event2));
      this.box.addEventListener("pointerleave", () => this.leave());
      screens.set(this.box, this);
    }
    toggle() {
      if (!this.entry.src) {
        return;
      }
      if (this.film && !this.isPreview) {
        if (this.film.paused) {
          this.run();
        } else {
          this.film.pause();
        }
        return;
      }
      clearTimeout(this.timer);
      this.start(false);
    }
    /** @param {boolean} isPreview */
    start(isPreview) {
      if (playing !== this) {
        playing?.rest();
      }
      playing = this;
      this.isPreview = isPreview;
      this.strip.hidden = true;
      this.film ??= this.load();
      this.film.muted = isPreview || muted;
      this.film.controls = !isPreview && this.box.clientWidth >= WIDE_ENOUGH;
      this.box.classList.toggle("plays", !isPreview);
      this.cover.hidden = this.film.controls;
      this.run();
    }
    run() {
      this.film?.play().catch(() => {
      });
    }
    load() {
      const film = video(this.entry);
      film.addEventListener("error", () => {
        if (film.hasAttribute("src")) {
          this.box.replaceWith(absent(this.entry));
        }
      });
      film.addEventListener("volumechange", () => {
        muted = this.isPreview ? muted : film.muted;
      });
      film.preload = "auto";
      film.src = this.entry.src ?? "";
      this.strip.before(film);
      return film;
    }
    /** Back to the still. */
    rest() {
      clearTimeout(this.timer);
      if (this.film) {
        this.film.pause();
        release(this.film);
        this.film.remove();
        this.film = null;
      }
      this.cover.hidden = !this.entry.src;
      this.strip.hidden = true;
      this.isPreview = false;
      this.box.classList.remove("plays");
      playing = playing === this ? null : playing;
    }
    /** @param {PointerEvent} event */
    hover(event2) {
      clearTimeout(this.timer);
      if (event2.pointerType === "mouse" && !calm.matches && !this.film && this.entry.src) {
        this.timer = setTimeout(() => this.start(true), REST);
      }
    }
    /**
     * A mouse that moves over the strip leafs through its stills; the film waits until it rests.
     * @param {PointerEvent} event
     */
    scrub(event2) {
      if (event2.pointerType !== "mouse" || !this.entry.strip || this.film) {
        return;
      }
      const { left, width } = this.box.getBoundingClientRect();
      const tile = Math.min(Math.max(Math.floor((event2.clientX - left) / width * TILES), 0), TILES - 1);
      if (!this.strip.style.backgroundImage) {
        this.strip.style.setProperty(
          "background-image",
          `url("${this.entry.strip.replace(/["\\\n]/g, encodeURIComponent)}")`
        );
        this.strip.style.setProperty("--ratio", String(ratio(this.entry) || 16 / 9));
      }
      this.strip.style.setProperty("--tile", String(tile));
      this.strip.hidden = false;
      this.hover(event2);
    }
    leave() {
      clearTimeout(this.timer);
      this.strip.hidden = true;
      if (this.isPreview) {
        this.rest();
      }
    }
  };
  function togglePlay(container) {
    const screen = screens.get(container.querySelector(".screen") ?? container);
    if (screen) {
      screen.toggle();
      return true;
    }
    const film = container.querySelector("video, audio");
    if (film instanceof HTMLMediaElement) {
      if (film.paused) {
        film.play().catch(() => {
        });
      } else {
        film.pause();
      }
    }
    return film !== null;
  }
  function stopPlaying() {
    playing?.rest();
  }
  function toggleSound() {
    muted = !muted;
    for (const film of document.querySelectorAll("video")) {
      if (!film.paused) {
        film.muted = muted;
      }
    }
    return !muted;
  }
  async function toggleFullScreen(container) {
    if (document.fullscreenElement) {
      await document.exitFullscreen();
      return;
    }
    const stage3 = container.querySelector(".stage") ?? container;
    await stage3.requestFullscreen();
  }

  // src/model.js
  var MOST_CHOICES = 24;
  var MOST_FACETS = 8;
  var SINGLE = (
    /** @type {const} */
    [
      "view",
      "q",
      "status",
      "verdict",
      "sort",
      "day",
      "post",
      "task",
      "density",
      "chosen"
    ]
  );
  var job = data("job");
  var entries = [];
  var byTask = /* @__PURE__ */ new Map();
  var posts = /* @__PURE__ */ new Map();
  var facets = [];
  var asked = {
    ...singles(),
    /** @type {Map<Facet, string>} */
    facets: /* @__PURE__ */ new Map()
  };
  function singles() {
    return (
      /** @type {any} */
      Object.fromEntries(SINGLE.map((name2) => [name2, ""]))
    );
  }
  var listeners = /* @__PURE__ */ new Map();
  function on(topic, listener) {
    const there = listeners.get(topic) ?? /* @__PURE__ */ new Set();
    listeners.set(topic, there.add(listener));
  }
  function emit(topic, told) {
    for (const listener of listeners.get(topic) ?? []) {
      listener(told);
    }
  }
  function merge(given) {
    const changed = /* @__PURE__ */ new Set();
    for (const each of given) {
      const entry = (
        /** @type {Entry} */
        { attempts: 1, params: {}, meta: {}, ...each }
      );
      entry.post ??= entry.group;
      const known2 = byTask.get(entry.task);
      if (known2) {
        entries[entries.indexOf(known2)] = entry;
      } else {
        entries.push(entry);
      }
      byTask.set(entry.task, entry);
      const group = posts.get(entry.post) ?? [];
      const place2 = known2 ? group.indexOf(known2) : -1;
      group[place2 < 0 ? group.length : place2] = entry;
      posts.set(entry.post, group);
      changed.add(entry.task);
    }
    facets.splice(0, facets.length, ...[...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS));
    if (changed.size) {
      emit("entries", changed);
    }
  }
  function take(words) {
    const changed = /* @__PURE__ */ new Set();
    for (const word2 of words) {
      const entry = byTask.get(word2.task);
      if (entry && entry.sha256 === word2.sha256 && !(entry.at && Date.parse(entry.at) > Date.parse(word2.at))) {
        entry.verdict = word2.verdict ?? void 0;
        entry.note = word2.note ?? void 0;
        entry.by = word2.by ?? void 0;
        entry.at = word2.at;
        entry.said_by_row = void 0;
        entry.text = void 0;
        changed.add(word2.task);
      }
    }
    if (changed.size) {
      emit("said", changed);
    }
  }
  function ask(changes) {
    Object.assign(asked, changes);
    writeAddress();
    emit("asked", null);
  }
  function isFiltered() {
    return asked.facets.size > 0 || ["q", "status", "verdict", "day", "post"].some((name2) => asked[
      /** @type {"q"} */
      name2
    ]);
  }
  function clearFilters() {
    asked.facets.clear();
    ask({ q: "", status: "", verdict: "", day: "", post: "" });
  }
  function askFacet(facet, value) {
    if (value) {
      asked.facets.set(facet, value);
    } else {
      asked.facets.delete(facet);
    }
    ask({});
  }
  function choices(field2, fewest) {
    const values = /* @__PURE__ */ new Map();
    for (const entry of entries) {
      for (const [name2, value] of Object.entries(entry[field2])) {
        const there = values.get(name2) ?? /* @__PURE__ */ new Set();
        values.set(name2, there.add(plain(value)));
      }
    }
    const telling = [...values].filter(
      ([name2, distinct]) => name2 !== "publish" && distinct.size > 1 && distinct.size <= MOST_CHOICES && (distinct.size <= fewest || distinct.size <= entries.length / 3) && [...distinct].every((value) => value.length <= 60)
    );
    return telling.map(([name2, distinct]) => ({
      key: `${field2}.${name2}`,
      field: field2,
      name: name2,
      values: [...distinct].sort(natural)
    }));
  }
  var natural = new Intl.Collator(LOCALE, { numeric: true }).compare;
  function published(entry) {
    const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d))?/.exec(
      String(entry.publish ?? entry.meta.publish ?? "")
    );
    if (!parts) {
      return null;
    }
    const [, year = "", month2 = "", day = "", time = ""] = parts;
    const date = new Date(Date.UTC(Number(year), Number(month2) - 1, Number(day)));
    const real = date.getUTCMonth() === Number(month2) - 1 && date.getUTCDate() === Number(day);
    return real ? { day: `${year}-${month2}-${day}`, month: `${year}-${month2}`, time, date } : null;
  }
  function text(entry) {
    entry.text ??= [
      entry.prompt,
      entry.task,
      entry.file,
      entry.name,
      entry.error,
      entry.model,
      entry.request_id,
      entry.note,
      entry.caption,
      entry.channel,
      entry.campaign,
      ...Object.values(entry.meta).map(plain),
      ...Object.values(entry.params).map(plain)
    ].join("\n").toLowerCase();
    return entry.text;
  }
  var SPECIAL = { missing: isMissing, flagged: isFlagged };
  function matching() {
    const { q, status, verdict, day, post: post2 } = asked;
    const words = q.toLowerCase().split(/\s+/);
    const wanted2 = [...asked.facets];
    return (entry) => (!status || (SPECIAL[status]?.(entry) ?? entry.status === status)) && (!verdict || (verdict === "none" ? isUnseen(entry) : entry.verdict === verdict)) && (!day || published(entry)?.day === day) && (!post2 || entry.post === post2) && wanted2.every(
      ([facet, value]) => facet.name in entry[facet.field] && plain(entry[facet.field][facet.name]) === value
    ) && words.every((word2) => text(entry).includes(word2));
  }
  function isFlagged(entry) {
    return Boolean(entry.flags?.length);
  }
  function isMissing(entry) {
    return entry.status === "succeeded" && Boolean(entry.missing);
  }
  function isUnseen(entry) {
    return entry.status === "succeeded" && !entry.missing && !entry.verdict;
  }
  function progress() {
    const there = entries.filter((entry) => entry.status === "succeeded" && !entry.missing);
    const count = (verdict) => there.filter((entry) => entry.verdict === verdict).length;
    const [kept, rejected] = [count("kept"), count("rejected")];
    return { clips: there.length, seen: kept + rejected, kept, rejected };
  }
  var ORDERS = {
    "": ["Job order", null],
    publish: ["By date", (one, other) => natural(dated(one), dated(other))],
    newest: ["Newest first", (one, other) => natural(other.finished_at ?? "", one.finished_at ?? "")],
    slowest: ["Slowest first", (one, other) => (other.duration_s ?? -1) - (one.duration_s ?? -1)],
    prompt: ["By prompt", (one, other) => natural(titled(one), titled(other))]
  };
  function dated(entry) {
    const when2 = published(entry);
    return when2 ? `${when2.day} ${when2.time}` : "~";
  }
  function selected() {
    const found2 = entries.filter(matching());
    const order2 = ORDERS[asked.sort]?.[1];
    return order2 ? found2.sort(order2) : found2;
  }
  function grouped(found2) {
    const there = /* @__PURE__ */ new Map();
    for (const entry of found2) {
      const post2 = there.get(entry.post);
      if (post2) {
        post2.entries.push(entry);
      } else {
        there.set(entry.post, { post: entry.post, entries: [entry], lead: entry });
      }
    }
    return [...there.values()];
  }
  function readAddress() {
    const said2 = new URLSearchParams(location.hash.slice(1));
    for (const name2 of SINGLE) {
      asked[name2] = said2.get(name2) ?? "";
    }
    asked.sort = asked.sort in ORDERS ? asked.sort : "";
    asked.facets.clear();
    for (const facet of facets) {
      const value = said2.get(facet.key);
      if (value !== null && facet.values.includes(value)) {
        asked.facets.set(facet, value);
      }
    }
  }
  function writeAddress() {
    const said2 = new URLSearchParams();
    for (const name2 of SINGLE) {
      if (asked[name2]) {
        said2.set(name2, asked[name2]);
      }
    }
    for (const [facet, value] of asked.facets) {
      said2.set(facet.key, value);
    }
    const hash = String(said2);
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch {
    }
  }
  merge(data("entries") ?? []);

  // src/commands.js
  function copier(label2, words) {
    return button(
      label2,
      async () => {
        if (await copied(words)) {
          toast("Copied.");
        } else {
          say("Copying is not allowed here: select the text instead.");
        }
      },
      { class: "quiet" }
    );
  }
  async function copied(words) {
    try {
      await navigator.clipboard.writeText(words);
      return true;
    } catch {
      const field2 = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
      field2.value = words;
      const before2 = document.activeElement;
      ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(field2);
      field2.select();
      const done = document.execCommand("copy");
      field2.remove();
      if (before2 instanceof HTMLElement) {
        before2.focus({ preventScroll: true });
      }
      return done;
    }
  }
  function commandRow(command) {
    const copy = copier("Copy", command);
    copy.ariaLabel = `Copy the command: ${command}`;
    return make("div", { class: "command" }, make("code", {}, command), copy);
  }
  function againCommand(entries2) {
    const start = job?.again?.endsWith(" rejected") ? job.again.slice(0, -" --again rejected".length) : "";
    const which = entries2.map((entry) => `${entry.task.startsWith("-") ? " --again=" : " --again "}${quoted(entry.task)}`).join("");
    return `${start || job?.command || "pipeline run JOB.yaml"}${which}`;
  }
  function quoted(word2) {
    return /^[\w@%+=:,./-]+$/.test(word2) ? word2 : `'${word2.replaceAll("'", `'"'"'`)}'`;
  }

  // src/live.js
  var live_exports = {};
  __export(live_exports, {
    isLive: () => isLive,
    post: () => post,
    startLive: () => startLive
  });
  var isLive = Boolean(job?.live);
  async function post(name2, body) {
    const answer = await fetch(`${job?.live?.base}${name2}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body)
    });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      throw new Error([told.error ?? `the server answers ${answer.status}`, told.hint].filter(Boolean).join(": "));
    }
    return told;
  }
  function startLive() {
  }

  // src/verdicts.js
  var LONGEST_NOTE = 4e3;
  var LONGEST_NAME = 200;
  var MOST_UNDONE = 200;
  var name = job?.name ?? find("h1").textContent ?? "";
  var KEY = `picks ${name} ${location.pathname}`;
  var mine = /* @__PURE__ */ new Map();
  var unsaved = /* @__PURE__ */ new Set();
  var undone = [];
  var saveButton = button("", () => save(), {
    class: "quiet save",
    title: "Save the verdicts as a file (s)"
  });
  var sending = Promise.resolve();
  async function judge(clips, word2) {
    const meant2 = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
    if (!meant2.length) {
      return;
    }
    undone.unshift(meant2.map(before));
    undone.length = Math.min(undone.length, MOST_UNDONE);
    await tell(meant2, word2);
  }
  function before(entry) {
    return { entry, verdict: entry.verdict ?? null, note: entry.note ?? "" };
  }
  function undo() {
    const last = (undone.shift() ?? []).filter(({ entry }) => byTask.get(entry.task)?.sha256 === entry.sha256);
    const alike = /* @__PURE__ */ new Map();
    for (const each of last) {
      const key = JSON.stringify([each.verdict, each.note]);
      alike.set(key, [...alike.get(key) ?? [], each]);
    }
    const clips = [];
    for (const some of alike.values()) {
      const those = some.map(({ entry }) => byTask.get(entry.task) ?? entry);
      void tell(those, { verdict: some[0]?.verdict, note: some[0]?.note });
      clips.push(...those);
    }
    return clips;
  }
  async function tell(clips, word2) {
    const note2 = word2.note === void 0 ? void 0 : wellFormed(word2.note.trim()).slice(0, LONGEST_NOTE);
    const words = clips.map((entry) => said(entry, { ...word2, note: note2 }));
    if (isLive) {
      await send(clips, words, { ...word2, note: note2 });
    } else {
      keep(words);
      take(words);
    }
  }
  function said(entry, word2) {
    return {
      task: entry.task,
      verdict: word2.verdict === void 0 ? entry.verdict ?? null : word2.verdict,
      note: (word2.note === void 0 ? entry.note : word2.note) || null,
      sha256: entry.sha256 ?? "",
      by: null,
      at: isLive ? entry.at ?? "" : later(entry.at)
    };
  }
  function later(at) {
    const then = at ? Date.parse(at) : Number.NaN;
    return new Date(Math.max(Date.now(), Number.isNaN(then) ? 0 : then + 1)).toISOString();
  }
  function wellFormed(text3) {
    return text3.replace(/\p{Surrogate}/gu, "�");
  }
  async function send(clips, words, word2) {
    const was = clips.map((entry) => said(entry, {}));
    take(words);
    const sha256 = Object.fromEntries(clips.map((entry) => [entry.task, entry.sha256]));
    const request = { tasks: clips.map((entry) => entry.task), ...word2, sha256 };
    sending = sending.then(async () => {
      try {
        take((await post("verdicts", request)).said ?? []);
      } catch (error) {
        take(was);
        toast(`Not recorded: ${error instanceof Error ? error.message : error}`, "fault");
      }
    });
    await sending;
  }
  function keyOf(word2) {
    return `${word2.sha256} ${word2.task}`;
  }
  function keep(words) {
    for (const word2 of words) {
      mine.set(keyOf(word2), word2);
      unsaved.add(keyOf(word2));
    }
    store();
  }
  function store() {
    const kept = remember(
      KEY,
      mine.size ? JSON.stringify({ words: [...mine.values()], unsaved: [...unsaved] }) : ""
    );
    saveButton.classList.toggle("volatile", !kept);
    saveButton.textContent = unsaved.size ? `Save picks (${number(unsaved.size)})` : "Save picks";
    saveButton.classList.toggle("due", unsaved.size > 0);
    saveButton.hidden = mine.size === 0;
  }
  function restore() {
    let there;
    try {
      there = JSON.parse(remembered(KEY) || "{}");
    } catch {
      there = {};
    }
    const open = new Set(Array.isArray(there.unsaved) ? there.unsaved : []);
    for (const word2 of Array.isArray(there.words) ? there.words.filter(isSaid) : []) {
      const entry = byTask.get(word2.task);
      if (!(entry?.sha256 === word2.sha256 && entry?.at && Date.parse(entry.at) >= Date.parse(word2.at))) {
        mine.set(keyOf(word2), word2);
        if (open.has(keyOf(word2))) {
          unsaved.add(keyOf(word2));
        }
      }
    }
    take([...mine.values()]);
  }
  function isSaid(word2) {
    return typeof word2?.task === "string" && /^[0-9a-f]{64}$/.test(word2.sha256) && [null, "kept", "rejected"].includes(word2.verdict) && (word2.note === null || typeof word2.note === "string") && !Number.isNaN(Date.parse(word2.at));
  }
  function lines(by) {
    const words = [...mine.values()].map(({ task: task2, verdict, note: note2, sha256, at }) => ({
      task: task2,
      verdict,
      note: note2,
      sha256,
      by: by || null,
      at
    }));
    return words.map((word2, place2) => `${JSON.stringify(place2 ? word2 : { ...word2, format: job?.format })}
`).join("");
  }
  function save() {
    if (isLive) {
      toast("Verdicts are recorded as you say them: there is nothing to save.");
    } else if (!mine.size) {
      toast("Nothing to save yet: keep (P) or reject (X) a clip first.");
    } else {
      openSave();
    }
  }
  function openSave() {
    const field2 = make("input", {
      id: "by",
      type: "text",
      maxlength: LONGEST_NAME,
      autocomplete: "name",
      value: remembered("by"),
      autofocus: true
    });
    const form = make(
      "form",
      { method: "dialog", class: "saving" },
      make("label", { for: "by" }, "Your name, if the picks should carry it"),
      field2,
      make("button", { type: "submit", class: "main" }, "Save the file")
    );
    const next = [
      make("p", {}, "Whoever runs the job takes the file in, and renders the rejected clips again:"),
      commandRow(importCommand()),
      job?.again ? commandRow(job.again) : ""
    ];
    const { kept, rejected, notes } = counted();
    const told = `${number(kept)} kept, ${number(rejected)} rejected, ${number(notes)} with a note.`;
    const dialog2 = openDialog("Save picks", [make("p", {}, told), form, ...next]);
    form.addEventListener("submit", () => {
      const by = wellFormed(field2.value.trim()).slice(0, LONGEST_NAME);
      remember("by", by);
      download(by);
      dialog2.close();
    });
  }
  function counted() {
    const words = [...mine.values()];
    return {
      kept: words.filter((word2) => word2.verdict === "kept").length,
      rejected: words.filter((word2) => word2.verdict === "rejected").length,
      notes: words.filter((word2) => word2.note).length
    };
  }
  function fileName() {
    const safe = name.normalize("NFC").replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "");
    return `picks-${safe.slice(0, 80) || "job"}.jsonl`;
  }
  function importCommand() {
    const command = job?.import ?? "pipeline pick JOB.yaml --import FILE";
    return command.replace(/\bFILE\b(?!.*\bFILE\b)/, fileName());
  }
  function download(by) {
    const address = URL.createObjectURL(new Blob([lines(by)], { type: "application/x-ndjson" }));
    const link = make("a", { href: address, download: fileName() });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 6e4);
    unsaved.clear();
    store();
    toast(`Saved as ${fileName()}, in your downloads.`);
  }
  function startVerdicts() {
    if (isLive || !entries.some((entry) => entry.sha256)) {
      return;
    }
    find(".tools").append(saveButton);
    restore();
    store();
    addEventListener("beforeunload", (event2) => {
      if (unsaved.size) {
        event2.preventDefault();
      }
    });
  }

  // src/card.js
  var MOST_SWITCHES = 12;
  var known = /* @__PURE__ */ new WeakMap();
  on("entries", () => {
    known = /* @__PURE__ */ new WeakMap();
  });
  function placeOf(entry) {
    const all = posts.get(entry.post) ?? [entry];
    const there = known.get(all) ?? placesOf(all);
    known.set(all, there);
    return there.get(entry) ?? { variant: "", take: 1, takes: 1 };
  }
  function placesOf(all) {
    const names = [...new Set(all.flatMap((entry) => Object.keys(entry.params)))].filter(
      (name2) => name2 !== "seed" && new Set(all.map((entry) => plain(entry.params[name2] ?? ""))).size > 1
    );
    const alike = /* @__PURE__ */ new Map();
    for (const entry of all) {
      const values = entry.values ? Object.values(entry.values) : names.map((name2) => entry.params[name2] ?? "");
      const variant = values.map(plain).join(" · ");
      alike.set(variant, [...alike.get(variant) ?? [], entry]);
    }
    return new Map(
      [...alike].flatMap(
        ([variant, takes]) => takes.map((entry, place2) => [entry, { variant, take: place2 + 1, takes: takes.length }])
      )
    );
  }
  function clipName(entry) {
    const { variant, take: take2, takes } = placeOf(entry);
    return [variant, takes > 1 ? `take ${take2} of ${takes}` : ""].filter(Boolean).join(", ");
  }
  function heading(entry) {
    return entry.caption || titled(entry);
  }
  function plan(entry) {
    const when2 = published(entry);
    const date = when2 ? [SHORT_DATE.format(when2.date), when2.time].filter(Boolean).join(" ") : "";
    const channel = entry.channel ?? plain(entry.meta.channel ?? "");
    return [date, channel, entry.campaign ?? plain(entry.meta.campaign ?? "")].filter(Boolean);
  }
  var Card = class {
    #pictured = "";
    #worded = "";
    /**
     * @param {string} post
     * @param {Gallery} gallery
     */
    constructor(post2, gallery2) {
      this.post = post2;
      this.gallery = gallery2;
      this.stage = make("div", { class: "stage" });
      this.words = make("div", { class: "words" });
      this.element = make("div", { class: "card", role: "gridcell", tabindex: "-1" }, this.words, this.stage);
      this.element.dataset.post = post2;
    }
    /**
     * Show a clip of the post: only what has changed is made again, so that a film plays on.
     * @param {Post} post as far as it matches
     * @param {Entry} entry
     */
    show(post2, entry) {
      const pictured2 = [entry.task, entry.status, entry.sha256, entry.src, entry.poster, entry.missing].join(
        "\n"
      );
      if (pictured2 !== this.#pictured) {
        this.#pictured = pictured2;
        letGo(this.stage);
        this.stage.replaceChildren(picture(entry, this.stage), this.#judging(entry));
      }
      const worded = [
        pictured2,
        entry.verdict,
        entry.note,
        entry.at,
        entry.standing,
        entry.flags?.length,
        ...post2.entries.map((each) => `${each.task} ${each.verdict}`)
      ].join("\n");
      if (worded !== this.#worded) {
        this.#worded = worded;
        const hadFocus = this.words.contains(document.activeElement);
        this.words.replaceChildren(...this.#lines(post2, entry));
        this.element.className = ["card", entry.status, entry.verdict].filter(Boolean).join(" ");
        if (hadFocus) {
          this.element.focus({ preventScroll: true });
        }
      }
    }
    /** @param {Entry} entry */
    #judging(entry) {
      if (entry.status !== "succeeded" || !entry.sha256) {
        return "";
      }
      const word2 = (verdict, label2) => button("", () => void judge([entry], { verdict: entry.verdict === verdict ? null : verdict }), {
        class: `word ${verdict}`,
        "aria-label": label2,
        title: label2,
        tabindex: "-1"
      });
      return make("div", { class: "judging" }, word2("kept", "Keep"), word2("rejected", "Reject"));
    }
    /**
     * @param {Post} post
     * @param {Entry} entry
     */
    #lines(post2, entry) {
      const told = plan(entry);
      const title = button(brief(heading(entry), 300), () => openDetail(entry, this.gallery.shown()), {
        class: "title",
        dir: "auto",
        tabindex: "-1",
        "aria-haspopup": "dialog",
        title: heading(entry).length > 90 ? brief(heading(entry), 600) : null
      });
      return [
        make(
          "p",
          { class: "plan", dir: "auto" },
          told.length ? told.join(" · ") : entry.own_id ?? entry.file ?? ""
        ),
        make("h3", {}, title),
        make(
          "p",
          { class: "line" },
          make("span", { class: "unseen" }, clipName(entry)),
          ...marks(entry),
          this.#switches(post2, entry)
        )
      ];
    }
    /**
     * @param {Post} post
     * @param {Entry} entry
     */
    #switches(post2, entry) {
      if (post2.entries.length < 2) {
        return "";
      }
      const number2 = make("span", { class: "of" }, `${post2.entries.indexOf(entry) + 1}/${post2.entries.length}`);
      if (post2.entries.length > MOST_SWITCHES) {
        return make("span", { class: "switches many" }, number2);
      }
      const here = placeOf(entry);
      const variants = [...new Set(post2.entries.map((each) => placeOf(each).variant))];
      const takes = post2.entries.filter((each) => placeOf(each).variant === here.variant);
      const to = (other, label2, spoken, verdict = other.verdict ?? "") => button(label2, () => this.gallery.choose(this.post, other.task), {
        class: `switch ${verdict}`,
        tabindex: "-1",
        "aria-label": spoken,
        "aria-pressed": String(other === entry)
      });
      const ratios = variants.map((variant) => {
        const there = post2.entries.filter((each) => placeOf(each).variant === variant);
        const other = there.find((each) => placeOf(each).take === here.take) ?? there[0] ?? entry;
        return to(
          variant === here.variant ? entry : other,
          brief(variant, 14),
          variant,
          takes.length > 1 ? "" : void 0
        );
      });
      const numbers = takes.map((each) => to(each, String(placeOf(each).take), `Take ${placeOf(each).take}`));
      return make(
        "span",
        { class: "switches" },
        number2,
        variants.length > 1 ? make("span", { role: "group", "aria-label": "Other ratios" }, ...ratios) : "",
        takes.length > 1 ? make("span", { role: "group", "aria-label": "Takes" }, ...numbers) : ""
      );
    }
    /** Before the card leaves the page. */
    release() {
      letGo(this.element);
      this.#pictured = "";
    }
  };
  function marks(entry) {
    const mark = (kind, text3, title = "") => make("span", { class: `mark ${kind}`, title: title || null }, text3);
    return [
      entry.verdict ? mark(entry.verdict, VERDICT[entry.verdict] ?? "", entry.by ? `by ${entry.by}` : "") : "",
      entry.note ? mark("note", "Note", brief(entry.note, 600)) : "",
      isFlagged(entry) ? mark("flag", "Not as expected", entry.flags?.join("; ")) : "",
      entry.standing ? mark("standing", named(entry.standing)) : ""
    ];
  }

  // src/detail.js
  var MOST_THUMBS = 24;
  var MOST_DIFFERENCES = 3;
  var dialog = (
    /** @type {HTMLDialogElement} */
    find("#detail")
  );
  var around = [];
  var place = 0;
  var task = "";
  var pictured = "";
  var stage = make("div", { class: "stage" });
  var earlier = null;
  var doing = {};
  function provide(what) {
    Object.assign(doing, what);
  }
  dialog.addEventListener("close", () => {
    quiet();
    dialog.replaceChildren();
    [task, pictured, earlier] = ["", "", null];
    if (asked.task) {
      ask({ task: "" });
    }
  });
  dialog.addEventListener("click", (event2) => {
    if (event2.target === dialog) {
      dialog.close();
    }
  });
  function quiet() {
    letGo(dialog);
    for (const film of dialog.querySelectorAll("video, audio")) {
      film.removeAttribute("src");
      film.load();
    }
  }
  function openDetail(entry, entries2) {
    around = entries2;
    place = around.includes(entry) ? around.indexOf(entry) : place;
    if (asked.task !== entry.task) {
      ask({ task: entry.task });
      return;
    }
    const isOther = task !== entry.task;
    task = entry.task;
    if (isOther) {
      earlier = null;
    }
    draw2(entry, isOther);
    if (!dialog.open) {
      dialog.showModal();
    }
    if (isOther) {
      dialog.scrollTop = 0;
      find(".detail-text", dialog).scrollTop = 0;
    }
  }
  function draw2(entry, isOther) {
    const clip = earlier ?? entry;
    const now = [task, clip.src, clip.sha256, entry.status, entry.missing].join("\n");
    const focused = document.activeElement;
    const by = focused instanceof HTMLElement && dialog.contains(focused) ? focused.dataset.focus : "";
    const written = noteField()?.value;
    if (!dialog.open) {
      dialog.replaceChildren(
        make("div", { class: "detail-bar" }),
        make(
          "div",
          { class: "detail-body" },
          make("div", { class: "detail-stage" }),
          make("div", { class: "detail-text" })
        ),
        make("p", { class: "said unseen", role: "status" })
      );
      pictured = "";
    }
    if (now !== pictured) {
      pictured = now;
      quiet();
      stage = make("div", { class: "stage" });
      stage.style.setProperty("--ratio", String(ratio(clip) || ratio(entry) || 16 / 9));
      stage.append(
        player(
          /** @type {Entry} */
          {
            ...entry,
            ...clip,
            status: entry.status,
            missing: earlier ? false : entry.missing
          }
        )
      );
      find(".detail-stage", dialog).replaceChildren(stage, earlier ? earlierMark() : "");
    }
    find(".detail-bar", dialog).replaceChildren(...bar(entry));
    find(".detail-text", dialog).replaceChildren(...text2(entry));
    const field2 = noteField();
    if (by === "note" && !isOther && field2 && written !== void 0) {
      field2.value = written;
    }
    if (by) {
      const again2 = dialog.querySelector(`[data-focus="${by}"]:not(:disabled)`) ?? dialog.querySelector("#detail-title");
      again2?.focus({ preventScroll: true });
    }
  }
  function noteField() {
    const field2 = dialog.querySelector("textarea");
    return field2 instanceof HTMLTextAreaElement ? field2 : null;
  }
  function earlierMark() {
    return make("p", { class: "earlier-mark" }, "An earlier version");
  }
  function bar(entry) {
    const step = (label2, by) => {
      const element = button(label2, () => stepDetail(by), { class: "quiet", "data-focus": `step${by}` });
      element.disabled = !nextOf(by);
      return element;
    };
    const isThere = around.includes(entry);
    const where = isThere ? `${number(place + 1)} of ${number(around.length)}` : "";
    const others2 = (posts.get(entry.post)?.length ?? 1) > 1 || (entry.versions?.length ?? 0) > 0;
    return [
      step("Previous", -1),
      step("Next", 1),
      make("span", { class: "where" }, where),
      others2 && doing.compare ? button("Compare", () => doing.compare?.(entry), {
        class: "quiet",
        title: "Compare (c)",
        "data-focus": "compare"
      }) : "",
      button("Close", () => dialog.close(), { class: "quiet", "data-focus": "close" })
    ];
  }
  function text2(entry) {
    const told = plan(entry);
    return [
      make(
        "h2",
        {
          id: "detail-title",
          "data-focus": "title",
          tabindex: "-1",
          autofocus: true,
          dir: "auto",
          class: heading(entry).length > 240 ? "long" : null
        },
        heading(entry)
      ),
      told.length ? make("p", { class: "plan", dir: "auto" }, told.join(" · ")) : "",
      entry.status === "succeeded" ? "" : trouble(entry),
      ...entry.status === "succeeded" && entry.sha256 ? [verdicts(entry), note(entry)] : [],
      others(entry),
      actions(entry),
      facts(entry)
    ];
  }
  function trouble(entry) {
    const { what, todo, command } = entry.words ?? {};
    return make(
      "div",
      { class: `trouble ${entry.status}` },
      make("strong", {}, what ?? STATUS[entry.status] ?? ""),
      todo ? make("p", {}, todo) : "",
      command ? commandRow(command) : ""
    );
  }
  function verdicts(entry) {
    const word2 = (verdict, label2, key) => {
      const element = button(label2, () => void judge([entry], { verdict }), {
        class: `verdict ${verdict ?? "none"}`,
        "aria-pressed": verdict ? String(entry.verdict === verdict) : null,
        "data-focus": `verdict${verdict}`,
        "aria-keyshortcuts": key
      });
      element.append(make("kbd", { "aria-hidden": "true" }, key));
      element.disabled = earlier !== null || !verdict && !entry.verdict;
      return element;
    };
    const by = entry.verdict && (entry.by || entry.at || entry.said_by_row);
    const from = entry.said_by_row ? "as the sheet says" : [entry.by && `by ${entry.by}`, entry.at && moment(entry.at)].filter(Boolean).join(", ");
    return make(
      "div",
      { class: "verdicts", role: "group", "aria-label": "Verdict" },
      word2("kept", "Keep", "P"),
      word2("rejected", "Reject", "X"),
      word2(null, "Clear", "U"),
      by ? make("span", { class: "said-by", dir: "auto" }, from) : ""
    );
  }
  function note(entry) {
    const field2 = make("textarea", {
      id: "detail-note",
      rows: 2,
      maxlength: LONGEST_NOTE,
      dir: "auto",
      "data-focus": "note",
      placeholder: "Why, or what to change",
      "aria-keyshortcuts": "N"
    });
    field2.value = entry.note ?? "";
    const keep2 = () => {
      if (field2.value.trim() !== (entry.note ?? "").trim()) {
        void judge([entry], { note: field2.value });
      }
    };
    field2.addEventListener("change", keep2);
    field2.addEventListener("keydown", (event2) => {
      if (event2.key === "Enter" && !event2.shiftKey && !event2.isComposing) {
        event2.preventDefault();
        find("#detail-title", dialog).focus({ preventScroll: true });
        keep2();
      } else if (event2.key === "Escape") {
        event2.preventDefault();
        event2.stopPropagation();
        field2.value = entry.note ?? "";
        find("#detail-title", dialog).focus({ preventScroll: true });
      }
    });
    return make("div", { class: "note-field" }, make("label", { for: "detail-note" }, "Note"), field2);
  }
  function others(entry) {
    const takes = posts.get(entry.post) ?? [entry];
    const versions = entry.versions ?? [];
    if (takes.length + versions.length < 2) {
      return "";
    }
    const here = takes.indexOf(entry);
    const from = Math.max(0, Math.min(here - MOST_THUMBS / 2, takes.length - MOST_THUMBS));
    const list2 = make("ul", { class: "others", role: "list" });
    for (const each of takes.slice(from, from + MOST_THUMBS)) {
      const label2 = clipName(each) || "Now";
      list2.append(
        thumb(
          each,
          label2,
          each === entry && !earlier,
          `${each.verdict ?? ""}`,
          differences(entry, each),
          () => show(each, null)
        )
      );
    }
    for (const each of versions) {
      const label2 = `Earlier${each.finished_at ? `, ${moment(each.finished_at)}` : ""}`;
      list2.append(
        thumb(
          each,
          label2,
          each === earlier,
          each.verdict ?? "",
          differences(entry, each),
          () => show(entry, each)
        )
      );
    }
    return list2;
  }
  function show(entry, version) {
    earlier = version;
    if (entry.task === task) {
      draw2(entry, false);
    } else {
      openDetail(entry, around);
    }
  }
  function thumb(clip, label2, isShown2, verdict, differing, pressed2) {
    const element = button("", pressed2, {
      class: `other ${verdict}`,
      "aria-pressed": String(isShown2),
      "data-focus": `other ${label2}`,
      title: differing.join("\n") || null
    });
    element.append(
      clip.poster ? make("img", { src: clip.poster, alt: "", decoding: "async", loading: "lazy" }) : make("span", { class: "no-picture", "aria-hidden": "true" }, "▷"),
      make("span", { class: "label", dir: "auto" }, label2),
      verdict ? make("span", { class: `mark ${verdict}` }, VERDICT[verdict] ?? "") : "",
      ...differing.slice(0, MOST_DIFFERENCES).map((each) => make("span", { class: "difference", dir: "auto" }, brief(each, 60)))
    );
    return make("li", {}, element);
  }
  function differences(one, other) {
    const names = /* @__PURE__ */ new Set([...Object.keys(one.params), ...Object.keys(other.params ?? {})]);
    return [...names].filter((name2) => plain(one.params[name2] ?? null) !== plain(other.params?.[name2] ?? null)).map((name2) => `${named(name2)}: ${plain(other.params?.[name2] ?? "–")}`);
  }
  function nextOf(by) {
    const entry = byTask.get(task);
    const isThere = entry !== void 0 && around.includes(entry);
    return around[isThere ? place + by : by > 0 ? place + by - 1 : place + by];
  }
  function clipInDetail() {
    return dialog.open ? byTask.get(task) ?? null : null;
  }
  function seesEarlier() {
    return earlier !== null;
  }
  function detailStage() {
    return stage;
  }
  function stepDetail(by) {
    const next = nextOf(by);
    if (next) {
      openDetail(next, around);
    }
    return next ?? null;
  }
  function stepWithin(by, nth = 0) {
    const entry = byTask.get(task);
    const all = entry ? posts.get(entry.post) ?? [] : [];
    const next = entry && all[nth ? nth - 1 : all.indexOf(entry) + by];
    if (next) {
      show(next, null);
    }
  }
  function focusNote() {
    noteField()?.focus();
  }
  function actions(entry) {
    const row2 = make("p", { class: "actions" });
    if (entry.prompt) {
      row2.append(copier("Copy prompt", entry.prompt));
    }
    if (entry.caption) {
      row2.append(copier("Copy caption", entry.caption));
    }
    if (entry.src && entry.status === "succeeded" && !entry.missing && !entry.small) {
      row2.append(
        make(
          "a",
          { href: (earlier ?? entry).src, class: "quiet", target: "_blank", rel: "noopener" },
          "Open the file"
        )
      );
    }
    if (doing.again && entry.status === "succeeded") {
      row2.append(
        button("Render again", () => doing.again?.(entry), {
          class: "quiet",
          title: "Render again (r)",
          "data-focus": "again"
        })
      );
    }
    return row2;
  }
  function facts(entry) {
    const list2 = make("dl", { class: "facts" });
    const fact = (name2, value) => {
      if (value !== void 0 && value !== null && value !== "") {
        list2.append(make("div", {}, make("dt", {}, name2), make("dd", { dir: "auto" }, value)));
      }
    };
    fact("Prompt", entry.caption ? entry.prompt : null);
    fact("Status", (STATUS[entry.status] ?? "") + standing(entry));
    fact("Shown", entry.small ? "a smaller copy of the clip" : null);
    fact("Settled", SETTLED[entry.settled ?? ""]);
    fact("Reason", entry.error);
    fact("Not as expected", entry.flags?.join("; "));
    fact("Model", entry.model);
    for (const [name2, value] of Object.entries((earlier ?? entry).params)) {
      fact(named(name2), name2 === "prompt" ? null : plain(value));
    }
    for (const [name2, value] of Object.entries(entry.meta)) {
      fact(named(name2), plain(value));
    }
    fact("Cost", entry.cost === void 0 ? null : money(entry.cost));
    fact("At risk", entry.at_risk ? money(entry.at_risk) : null);
    fact("Took", entry.duration_s === void 0 ? null : lasting(entry.duration_s));
    fact("Attempts", entry.attempts > 1 ? number(entry.attempts) : null);
    fact("Take", takeOf(entry));
    fact("Finished", entry.finished_at ? moment(entry.finished_at) : null);
    fact("File", (earlier ?? entry).file);
    media(entry.media ?? {}, fact);
    fact("Size", entry.bytes === void 0 ? null : size(entry.bytes));
    fact("HTTP status", entry.http_status === void 0 ? null : String(entry.http_status));
    fact("Request", entry.request_id);
    fact("Task", entry.task);
    return list2;
  }
  function media(found2, fact) {
    const { width, height, duration_s: duration, audio: audio2, content_credentials: credentials } = found2;
    fact("Picture", width && height ? `${width} × ${height}` : null);
    fact("Duration", duration === void 0 || duration === null ? null : lasting(duration));
    fact("Codec", found2.codec);
    fact("Sound", audio2 === void 0 || audio2 === null ? null : plain(audio2));
    fact("Content credentials", credentials === void 0 || credentials === null ? null : plain(credentials));
  }
  function standing(entry) {
    const words = {
      changed: " · changed in the job since",
      former: " · no longer in the job",
      accepted: " · waiting at the provider",
      saved: " · not in place yet"
    };
    return entry.standing ? words[entry.standing] : "";
  }
  function takeOf(entry) {
    return clipName(entry) || null;
  }
  function closeDetail() {
    if (dialog.open) {
      dialog.close();
    }
  }

  // src/calendar.js
  var months = find("#calendar .months");
  var MOST_A_DAY = 3;
  var MONDAY = Date.UTC(2024, 0, 1);
  var A_DAY = 864e5;
  function showCalendar(entries2) {
    letGo(months);
    const days = /* @__PURE__ */ new Map();
    let undated = 0;
    let unread = "";
    for (const entry of entries2) {
      const when2 = published(entry);
      if (!when2) {
        undated += 1;
        unread ||= String(entry.meta.publish ?? "").trim();
      } else if (days.has(when2.day)) {
        days.get(when2.day).push(entry);
      } else {
        days.set(when2.day, [entry]);
      }
    }
    const names = [...new Set([...days.keys()].map((day) => day.slice(0, 7)))].sort();
    months.replaceChildren(
      names.length > 2 ? jumps(names) : "",
      ...names.map((name2) => month(name2, days, entries2)),
      remark(undated, unread, names.length)
    );
  }
  function remark(undated, unread, dated2) {
    const count = `${number(undated)} ${undated === 1 ? "clip has" : "clips have"} no date of publication`;
    const why = unread ? ` that can be read: “${brief(unread, 40)}” is none, 2026-12-01 would be one.` : ".";
    const how = "Give prompts a “publish” date under “meta” in the job file, and they appear here.";
    return make(
      "p",
      { class: "empty" },
      undated ? `${count}${why} ${dated2 || unread ? "" : how}` : dated2 ? "" : "Nothing matches."
    );
  }
  function jumps(names) {
    const row2 = make("ul", { role: "list" });
    for (const name2 of names) {
      const link = button(
        monthName(name2),
        () => {
          const table2 = document.getElementById(`month-${name2}`);
          table2.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
          table2.focus({ preventScroll: true });
        },
        { class: "quiet" }
      );
      row2.append(make("li", {}, link));
    }
    return make("nav", { class: "jumps", "aria-label": "Months" }, row2);
  }
  function monthName(name2) {
    return MONTH.format(/* @__PURE__ */ new Date(`${name2}-01T00:00:00Z`));
  }
  function month(name2, days, entries2) {
    const [year, ofYear] = name2.split("-").map(Number);
    const first = Date.UTC(year, ofYear - 1, 1);
    const length = new Date(Date.UTC(year, ofYear, 0)).getUTCDate();
    const before2 = (new Date(first).getUTCDay() + 6) % 7;
    const body = make("tbody", { role: "rowgroup" });
    for (let week = -before2; week < length; week += 7) {
      const row2 = make("tr", { role: "row" });
      for (let day = week; day < week + 7; day += 1) {
        row2.append(
          day < 0 || day >= length ? make("td", { class: "outside", role: "cell" }) : dayCell(new Date(first + day * A_DAY), days, entries2)
        );
      }
      body.append(row2);
    }
    return make(
      "table",
      { class: "month", id: `month-${name2}`, role: "table", tabindex: "-1" },
      make("caption", {}, monthName(name2)),
      weekdays(),
      body
    );
  }
  function weekdays() {
    const row2 = make("tr", { role: "row" });
    for (let day = 0; day < 7; day += 1) {
      const name2 = WEEKDAY.format(new Date(MONDAY + day * A_DAY));
      row2.append(make("th", { scope: "col", role: "columnheader" }, name2));
    }
    return make("thead", { role: "rowgroup" }, row2);
  }
  function dayCell(date, days, entries2) {
    const day = date.toISOString().slice(0, 10);
    const here = (days.get(day) ?? []).sort(
      (one, other) => natural(published(one).time, published(other).time)
    );
    const cell = make("td", { role: "cell", class: here.length ? "some" : "none" });
    cell.append(
      make(
        "time",
        { class: "day", datetime: day },
        make("span", { class: "weekday" }, `${WEEKDAY.format(date)} `),
        String(date.getUTCDate())
      )
    );
    if (here.length) {
      const list2 = make("ul", { class: here.length === 1 ? "alone" : "several", role: "list" });
      list2.append(...here.slice(0, MOST_A_DAY).map((entry) => event(entry, entries2)));
      cell.append(list2, andMore(day, here.length - MOST_A_DAY));
    }
    return cell;
  }
  function andMore(day, count) {
    return count <= 0 ? "" : button(
      `${number(count)} more`,
      () => {
        ask({ day, view: "" });
      },
      {
        class: "link",
        "aria-label": `${number(count)} more on ${DATE.format(new Date(day))}`
      }
    );
  }
  function event(entry, entries2) {
    const element = button(
      "",
      () => {
        openDetail(entry, entries2);
      },
      { class: `event ${entry.status}`, "aria-haspopup": "dialog" }
    );
    const thumb2 = make("span", { class: "thumb" });
    if (entry.status === "succeeded") {
      thumb2.append(picture(entry, element, { thumb: true }));
    } else {
      thumb2.append(make("span", { class: "why" }, brief(entry.error ?? "", 120)));
    }
    const label2 = make("span", { class: "label" });
    const { time } = published(entry);
    if (time) {
      label2.append(make("span", { class: "time" }, `${time} `));
    }
    if (entry.status !== "succeeded") {
      label2.append(make("strong", {}, `${STATUS[entry.status]}: `));
    }
    label2.append(brief(titled(entry), 90));
    element.append(thumb2, label2);
    return make("li", {}, element);
  }
  var calendar = { name: "calendar", label: "Calendar", show: showCalendar };

  // src/reel.js
  function openReel(entries2) {
    console.assert(entries2.length > 0);
  }

  // src/gallery.js
  var DENSITIES = {
    large: { label: "Large", cell: 380, gap: 18, words: 98 },
    medium: { label: "Medium", cell: 250, gap: 14, words: 92 },
    grid: { label: "Culling grid", cell: 168, gap: 8, words: 28 }
  };
  var SHAPES = [16 / 9, 1, 3 / 4];
  var AHEAD = 0.75;
  var grid = find("#gallery .clips");
  var nothing = find("#gallery .empty");
  var found = [];
  var list = [];
  var places = /* @__PURE__ */ new Map();
  var chosen = /* @__PURE__ */ new Map();
  var cards = /* @__PURE__ */ new Map();
  var rows = /* @__PURE__ */ new Map();
  var selection = /* @__PURE__ */ new Set();
  var anchor = "";
  var current = "";
  var columns = 1;
  var rowHeight = 300;
  var isShown = false;
  var isPrinting = false;
  var scrolledTo = 0;
  var frame = 0;
  var shape = { columns: 0, density: "", aspect: 0, width: 0 };
  function density() {
    return asked.density in DENSITIES ? asked.density : remembered("density") in DENSITIES ? remembered("density") : "medium";
  }
  function showGallery(entries2) {
    const wasShown = isShown;
    const hadFocus = isInGrid();
    isShown = true;
    found = entries2;
    list = grouped(entries2);
    places = new Map(list.map((post2, place2) => [post2.post, place2]));
    for (const post2 of selection) {
      if (!places.has(post2)) {
        selection.delete(post2);
      }
    }
    nothing.hidden = list.length > 0;
    grid.hidden = list.length === 0;
    measure();
    draw3(true);
    if (!wasShown && scrolledTo) {
      scrollTo({ top: scrolledTo, behavior: "instant" });
      draw3(false);
    }
    if (hadFocus && !isInGrid()) {
      cards.get(current)?.element.focus({ preventScroll: true });
    }
    showSelection();
  }
  function hideGallery() {
    scrolledTo = scrollY;
    isShown = false;
    stopPlaying();
  }
  function aspect() {
    const some = list.slice(0, 200).map((post2) => ratio(post2.lead) || 16 / 9).sort((one, other) => one - other);
    const middle = some[some.length >> 1] ?? 16 / 9;
    return SHAPES.find((each) => middle >= each * 0.99) ?? 3 / 4;
  }
  function measure() {
    const style = DENSITIES[density()] ?? DENSITIES.medium;
    const width = grid.clientWidth;
    if (!style || !width) {
      return;
    }
    const tall = aspect();
    const cell = tall < 1 ? style.cell * 0.72 : style.cell;
    columns = Math.max(1, Math.floor((width + style.gap) / (cell + style.gap)));
    const stage3 = (width - style.gap * (columns - 1)) / columns / tall;
    rowHeight = Math.round(stage3 + style.words + style.gap);
    if (shape.columns !== columns || shape.density !== density() || shape.aspect !== tall || shape.width !== width) {
      Object.assign(shape, { columns, density: density(), aspect: tall, width });
      grid.dataset.density = density();
      grid.style.setProperty("--columns", String(columns));
      grid.style.setProperty("--gap", `${style.gap}px`);
      grid.style.setProperty("--words", `${style.words}px`);
      grid.style.setProperty("--stage-height", `${stage3.toFixed(2)}px`);
      grid.style.setProperty("--row", `${rowHeight}px`);
      grid.ariaColCount = String(columns);
      for (const row2 of rows.values()) {
        row2.remove();
      }
      rows.clear();
    }
    const count = Math.ceil(list.length / columns);
    grid.ariaRowCount = String(count);
    grid.style.setProperty("height", `${count * rowHeight}px`);
  }
  function wanted() {
    const count = Math.ceil(list.length / columns);
    const { top } = grid.getBoundingClientRect();
    const ahead = innerHeight * AHEAD;
    const first = isPrinting ? 0 : Math.max(0, Math.floor((-top - ahead) / rowHeight));
    const last = isPrinting ? count - 1 : Math.min(count - 1, Math.floor((innerHeight - top + ahead) / rowHeight));
    const needed = /* @__PURE__ */ new Set();
    for (let row2 = first; row2 <= last; row2 += 1) {
      needed.add(row2);
    }
    const place2 = places.get(current);
    if (place2 !== void 0) {
      needed.add(Math.floor(place2 / columns));
    }
    return needed;
  }
  function draw3(isChanged) {
    if (!places.has(current)) {
      current = list[0]?.post ?? "";
    }
    const needed = wanted();
    for (const [place2, row2] of rows) {
      if (!needed.has(place2)) {
        row2.remove();
        rows.delete(place2);
      }
    }
    const there = /* @__PURE__ */ new Set();
    for (const place2 of [...needed].sort((one, other) => one - other)) {
      const known2 = rows.get(place2);
      const row2 = known2 ?? makeRow(place2);
      if (!known2 || isChanged) {
        fillRow(row2, place2);
      }
      for (const post2 of list.slice(place2 * columns, (place2 + 1) * columns)) {
        there.add(post2.post);
      }
    }
    for (const [post2, card] of cards) {
      if (!there.has(post2)) {
        card.release();
        cards.delete(post2);
      }
    }
  }
  function makeRow(place2) {
    const row2 = make("div", { class: "row", role: "row", "aria-rowindex": place2 + 1 });
    row2.style.setProperty("top", `${place2 * rowHeight}px`);
    const next = [...rows.keys()].filter((each) => each > place2);
    const before2 = next.length ? rows.get(Math.min(...next)) : null;
    grid.insertBefore(row2, before2 ?? null);
    rows.set(place2, row2);
    return row2;
  }
  function fillRow(row2, place2) {
    const here = list.slice(place2 * columns, (place2 + 1) * columns).map((post2) => {
      const card = cards.get(post2.post) ?? new Card(post2.post, { shown: () => clipsInOrder(), choose });
      cards.set(post2.post, card);
      card.show(post2, clipOf(post2));
      reach(card, post2.post === current);
      card.element.ariaSelected = String(selection.has(post2.post));
      return card.element;
    });
    here.forEach((element, column) => {
      element.ariaColIndex = String(column + 1);
    });
    if (here.length !== row2.children.length || here.some((element, column) => row2.children[column] !== element)) {
      row2.replaceChildren(...here);
    }
  }
  function reach(card, isCurrent) {
    card.element.classList.toggle("current", isCurrent);
    card.element.tabIndex = isCurrent ? 0 : -1;
    for (const each of card.element.querySelectorAll("button")) {
      each.tabIndex = isCurrent ? 0 : -1;
    }
  }
  function clipOf(post2) {
    return post2.entries.find((each) => each.task === chosen.get(post2.post)) ?? post2.lead;
  }
  function clipsInOrder() {
    return list.flatMap((post2) => post2.entries);
  }
  function choose(post2, task2) {
    chosen.set(post2, task2);
    current = post2;
    draw3(true);
  }
  function isInGrid() {
    return grid.contains(document.activeElement);
  }
  function isReady() {
    return isShown && list.length > 0 && (isInGrid() || document.activeElement === document.body || document.activeElement === find("#work"));
  }
  function currentClip() {
    const post2 = list[places.get(current) ?? -1];
    return isShown && post2 ? clipOf(post2) : null;
  }
  function clipsMeant() {
    const meant2 = list.filter((post2) => selection.has(post2.post)).map(clipOf);
    const alone = currentClip();
    return meant2.length ? meant2 : alone ? [alone] : [];
  }
  function enterGrid() {
    const wasThere = isInGrid();
    if (isShown && list.length) {
      focusPlace(places.get(current) ?? 0);
    }
    return wasThere;
  }
  function currentCard() {
    return isShown ? cards.get(current)?.element : void 0;
  }
  function focusPlace(place2) {
    const to = Math.min(Math.max(place2, 0), list.length - 1);
    current = list[to]?.post ?? "";
    draw3(false);
    for (const [post2, card2] of cards) {
      reach(card2, post2 === current);
    }
    const card = cards.get(current);
    if (card) {
      const { top, bottom } = card.element.getBoundingClientRect();
      const head = find("#toolbar").getBoundingClientRect().bottom;
      const from = getComputedStyle(find("#toolbar")).position === "sticky" ? Math.max(head, 0) : 0;
      if (to < columns && top + scrollY + card.element.offsetHeight <= innerHeight) {
        scrollTo({ top: 0, behavior: "instant" });
      } else if (top < from + 4) {
        scrollBy({ top: top - from - 12, behavior: "instant" });
      } else if (bottom > innerHeight - 4) {
        scrollBy({ top: bottom - innerHeight + 12, behavior: "instant" });
      }
      draw3(false);
      card.element.focus({ preventScroll: true });
    }
  }
  function move(by, isSelecting = false) {
    const from = places.get(current) ?? 0;
    if (!isInGrid() && !isSelecting && by.end === void 0) {
      focusPlace(from);
      return;
    }
    const page = Math.max(1, Math.floor((innerHeight - 140) / rowHeight));
    const step = (by.columns ?? 0) + ((by.rows ?? 0) + (by.screens ?? 0) * page) * columns;
    const to = by.end ? by.end < 0 ? 0 : list.length - 1 : from + step;
    if (!by.screens && (to < 0 || to >= list.length)) {
      if (!(step > 0 && Math.floor((list.length - 1) / columns) > Math.floor(from / columns))) {
        return;
      }
    }
    if (isSelecting) {
      anchor ||= current;
    } else {
      anchor = "";
    }
    focusPlace(to);
    if (isSelecting) {
      selectTo(current);
    }
  }
  function changeClip(by, nth = 0) {
    const post2 = list[places.get(current) ?? -1];
    const place2 = post2 ? nth ? nth - 1 : post2.entries.indexOf(clipOf(post2)) + by : -1;
    const entry = post2?.entries[place2];
    if (post2 && entry) {
      choose(post2.post, entry.task);
      focusPlace(places.get(current) ?? 0);
    }
    return entry ?? null;
  }
  function onwards() {
    const place2 = places.get(current) ?? 0;
    const post2 = list[place2];
    const here = post2 && clipOf(post2);
    const left = post2?.entries.find(
      (each, number2) => number2 > post2.entries.indexOf(here ?? post2.lead) && !each.verdict && each.status === "succeeded"
    );
    const next = list[place2 + 1]?.post;
    return () => {
      if (left && places.has(current) && list[places.get(current) ?? -1]?.entries.includes(left)) {
        chosen.set(current, left.task);
        draw3(true);
        focusPlace(places.get(current) ?? 0);
      } else if (next) {
        focusPlace(places.get(next) ?? place2);
      } else {
        focusPlace(place2);
      }
      return currentClip();
    };
  }
  function goTo(entry) {
    if (places.has(entry.post)) {
      chosen.set(entry.post, entry.task);
      current = entry.post;
      draw3(true);
      focusPlace(places.get(entry.post) ?? 0);
    }
  }
  function selectTo(post2) {
    const [one, other] = [places.get(anchor) ?? 0, places.get(post2) ?? 0];
    selection.clear();
    for (const each of list.slice(Math.min(one, other), Math.max(one, other) + 1)) {
      selection.add(each.post);
    }
    draw3(true);
    showSelection();
  }
  function clearSelection() {
    const some = selection.size > 0;
    selection.clear();
    anchor = "";
    if (some) {
      draw3(true);
      showSelection();
    }
    return some;
  }
  function selectedCount() {
    return selection.size;
  }
  var watchers = /* @__PURE__ */ new Set();
  function onSelection(told) {
    watchers.add(told);
  }
  function showSelection() {
    grid.classList.toggle("selecting", selection.size > 0);
    for (const told of watchers) {
      told();
    }
  }
  grid.addEventListener("pointerdown", (event2) => {
    const card = event2.target instanceof Element ? event2.target.closest(".card") : null;
    const post2 = card instanceof HTMLElement ? card.dataset.post : void 0;
    if (post2 === void 0 || event2.pointerType !== "mouse" && event2.pointerType !== "pen") {
      return;
    }
    if (event2.shiftKey || event2.ctrlKey || event2.metaKey) {
      event2.preventDefault();
      anchor = event2.shiftKey ? anchor || current : post2;
      if (!event2.shiftKey) {
        if (!selection.size && current !== post2 && isInGrid()) {
          selection.add(current);
        }
        selection[selection.has(post2) ? "delete" : "add"](post2);
      }
      focusPlace(places.get(post2) ?? 0);
      if (event2.shiftKey) {
        selectTo(post2);
      }
      draw3(true);
      showSelection();
    }
  });
  grid.addEventListener(
    "click",
    (event2) => {
      if ((event2.shiftKey || event2.ctrlKey || event2.metaKey) && event2.detail > 0) {
        event2.stopPropagation();
        event2.preventDefault();
      }
    },
    { capture: true }
  );
  grid.addEventListener("focusin", (event2) => {
    const card = event2.target instanceof Element ? event2.target.closest(".card") : null;
    if (card instanceof HTMLElement && card.dataset.post && card.dataset.post !== current) {
      current = card.dataset.post;
      for (const [post2, each] of cards) {
        reach(each, post2 === current);
      }
    }
  });
  grid.addEventListener("click", (event2) => {
    const card = event2.target instanceof Element ? event2.target.closest(".card") : null;
    if (card instanceof HTMLElement && !(event2.target instanceof Element && event2.target.closest("button, video, audio"))) {
      card.focus({ preventScroll: true });
    }
  });
  grid.addEventListener("dblclick", (event2) => {
    const clip = currentClip();
    if (clip && !(event2.target instanceof Element && event2.target.closest(".words button, .judging"))) {
      openDetail(clip, clipsInOrder());
    }
  });
  function later2() {
    if (isShown && !frame) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw3(false);
      });
    }
  }
  addEventListener("scroll", later2, { passive: true });
  addEventListener("resize", later2);
  new ResizeObserver(() => {
    if (isShown && grid.clientWidth !== shape.width) {
      measure();
      draw3(true);
    }
  }).observe(grid);
  function setPrinting(printing) {
    if (isShown && printing !== isPrinting) {
      isPrinting = printing;
      draw3(true);
    }
  }
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  matchMedia("print").addEventListener("change", ({ matches }) => setPrinting(matches));
  function reelButton() {
    return button("Reel", () => playReel(), {
      class: "quiet",
      title: "Play what is shown, one after the other (v)"
    });
  }
  function playReel() {
    const meant2 = selection.size ? clipsMeant() : found;
    const clips = meant2.filter((entry) => entry.status === "succeeded" && !entry.missing);
    if (clips.length) {
      stopPlaying();
      openReel(clips);
    }
  }
  function selectionWords() {
    return `${number(selection.size)} ${selection.size === 1 ? "card" : "cards"} selected`;
  }
  var gallery = { name: "gallery", label: "Clips", show: showGallery, hide: hideGallery };

  // src/filters.js
  var STATUSES = [...Object.entries(STATUS), ["missing", "File missing"], ["flagged", "Not as expected"]];
  var VERDICTS = [
    ["kept", "Kept"],
    ["rejected", "Rejected"],
    ["none", "Not seen"]
  ];
  var search = make("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search prompts, names, notes and reasons",
    autocomplete: "off",
    spellcheck: "false"
  });
  var popover = make("div", {
    id: "filter-box",
    class: "filter-box",
    popover: "auto",
    role: "group",
    "aria-label": "Filters"
  });
  var opener = make(
    "button",
    { type: "button", class: "quiet", popovertarget: "filter-box", "aria-expanded": "false" },
    "Filter"
  );
  var order = make("select", { "aria-label": "Order", class: "quiet" });
  var densities = make("div", { class: "densities", role: "group", "aria-label": "Size of the clips" });
  var chips = find(".chips");
  var line = find(".progress");
  var selecting = find(".selecting-line");
  var drawn = "";
  function startFilters() {
    search.addEventListener("input", () => ask({ q: search.value.trim() }));
    search.addEventListener("keydown", (event2) => {
      if (event2.key === "Escape" || event2.key === "ArrowDown") {
        event2.preventDefault();
        search.blur();
        find("#work").focus({ preventScroll: true });
      }
    });
    popover.addEventListener("toggle", (event2) => {
      const isOpen = (
        /** @type {ToggleEvent} */
        event2.newState === "open"
      );
      opener.ariaExpanded = String(isOpen);
      if (isOpen) {
        const { left, bottom } = opener.getBoundingClientRect();
        popover.style.setProperty(
          "--left",
          `${Math.max(8, Math.min(left, innerWidth - popover.offsetWidth - 8))}px`
        );
        popover.style.setProperty("--top", `${bottom + 6}px`);
      }
    });
    for (const [value, [label2]] of Object.entries(ORDERS)) {
      order.append(make("option", { value }, label2));
    }
    order.addEventListener("change", () => ask({ sort: order.value }));
    for (const [name2, { label: label2 }] of Object.entries(DENSITIES)) {
      densities.append(
        button(
          "",
          () => {
            remember("density", name2 === "medium" ? "" : name2);
            ask({ density: name2 === "medium" ? "" : name2 });
          },
          { "aria-label": label2, title: label2, class: `density ${name2}`, "data-density": name2 }
        )
      );
    }
    find(".filters").append(search, opener, popover, order, densities);
    onSelection(showSelecting);
    on("said", showProgress);
    on("entries", showProgress);
    showProgress();
  }
  function showFilters() {
    if (document.activeElement !== search) {
      search.value = asked.q;
    }
    order.value = asked.sort;
    const shown2 = find("#gallery .clips").dataset.density ?? "medium";
    for (const each of densities.children) {
      each.ariaPressed = String(each instanceof HTMLElement && each.dataset.density === shown2);
    }
    densities.hidden = find("#gallery").hidden;
    const said2 = JSON.stringify([
      asked.status,
      asked.verdict,
      asked.day,
      asked.post,
      [...asked.facets].map(([facet, value]) => [facet.key, value]),
      facets.map((facet) => [facet.key, facet.values])
    ]);
    if (said2 !== drawn) {
      drawn = said2;
      showPopover();
      showChips();
    } else if (asked.q || chips.children.length) {
      showChips();
    }
  }
  function choices2() {
    return [
      {
        name: "verdict",
        label: "Verdict",
        value: asked.verdict,
        choices: VERDICTS,
        set: (value) => ask({ verdict: value })
      },
      {
        name: "status",
        label: "Status",
        value: asked.status,
        choices: STATUSES,
        set: (value) => ask({ status: value })
      },
      ...facets.map((facet) => ({
        name: facet.key,
        label: named(facet.name),
        value: asked.facets.get(facet) ?? "",
        choices: facet.values.map((value) => (
          /** @type {[string, string]} */
          [value, value]
        )),
        set: (value) => askFacet(facet, value)
      }))
    ];
  }
  function showPopover() {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
    popover.replaceChildren(
      ...choices2().map(({ name: name2, label: label2, value, choices: given, set }) => {
        const select = make("select", { id: `by-${name2}` }, make("option", { value: "" }, "Any"));
        select.append(...given.map(([each, text3]) => make("option", { value: each }, text3)));
        select.value = value;
        select.addEventListener("change", () => set(select.value));
        return make(
          "div",
          { class: value ? "chooser set" : "chooser" },
          make("label", { for: `by-${name2}` }, label2),
          select
        );
      })
    );
    if (focused.startsWith("by-")) {
      document.getElementById(focused)?.focus();
    }
  }
  function showChips() {
    const set = choices2().filter(({ value }) => value).map(({ label: label2, value, choices: given, set: change }) => [
      `${label2}: ${given.find(([each]) => each === value)?.[1] ?? value}`,
      () => change("")
    ]);
    if (asked.day) {
      const date = /* @__PURE__ */ new Date(`${asked.day}T00:00:00`);
      set.push([Number.isNaN(date.getTime()) ? asked.day : DAY.format(date), () => ask({ day: "" })]);
    }
    if (asked.post) {
      set.push([
        `Post: ${brief(titled(posts.get(asked.post)?.[0] ?? /** @type {Entry} */
        { task: asked.post }), 40)}`,
        () => ask({ post: "" })
      ]);
    }
    chips.replaceChildren(
      ...set.map(
        ([label2, remove]) => button(
          label2,
          () => {
            remove();
            search.focus({ preventScroll: true });
          },
          { class: "chip", "aria-label": `Remove the filter ${label2}` }
        )
      ),
      isFiltered() ? button(
        "Clear filters",
        () => {
          search.value = "";
          clearFilters();
          search.focus({ preventScroll: true });
        },
        { class: "chip clear" }
      ) : ""
    );
  }
  function showProgress() {
    const { clips, seen, kept, rejected } = progress();
    line.textContent = clips ? `${number(seen)} of ${number(clips)} seen · ${number(kept)} kept · ${number(rejected)} rejected` : "";
  }
  function showSelecting() {
    const count = selectedCount();
    selecting.hidden = count === 0;
    if (count) {
      const word2 = (label2, verdict) => button(
        label2,
        () => {
          void judge(clipsMeant(), { verdict });
        },
        { class: "quiet" }
      );
      selecting.replaceChildren(
        make("span", {}, selectionWords()),
        word2("Keep", "kept"),
        word2("Reject", "rejected"),
        word2("Clear", null),
        button("Select none", () => clearSelection(), { class: "link" })
      );
    }
  }

  // src/compare.js
  function openCompare(sides) {
    console.assert(sides.length > 1);
  }

  // src/keys.js
  var inDetail = () => clipInDetail() !== null;
  var KEYS = {
    Go: [
      {
        keys: ["arrowright", "l"],
        show: "→ or L",
        help: "Next card; in the details the next clip",
        repeats: true,
        run: (event2) => inDetail() ? stepDetail(1) : move({ columns: 1 }, event2.shiftKey)
      },
      {
        keys: ["arrowleft", "h"],
        show: "← or H",
        help: "Previous card or clip",
        repeats: true,
        run: (event2) => inDetail() ? stepDetail(-1) : move({ columns: -1 }, event2.shiftKey)
      },
      {
        keys: ["arrowdown", "j"],
        show: "↓ or J",
        help: "A row down; in the details the next take",
        repeats: true,
        run: (event2) => inDetail() ? stepWithin(1) : move({ rows: 1 }, event2.shiftKey)
      },
      {
        keys: ["arrowup", "k"],
        show: "↑ or K",
        help: "A row up; in the details the previous take",
        repeats: true,
        run: (event2) => inDetail() ? stepWithin(-1) : move({ rows: -1 }, event2.shiftKey)
      },
      {
        keys: ["pagedown"],
        show: "Page down",
        help: "A screen down",
        repeats: true,
        run: () => move({ screens: 1 })
      },
      {
        keys: ["pageup"],
        show: "Page up",
        help: "A screen up",
        repeats: true,
        run: () => move({ screens: -1 })
      },
      {
        keys: ["home"],
        show: "Home",
        help: "The first card",
        run: (event2) => move({ end: -1 }, event2.shiftKey)
      },
      {
        keys: ["end"],
        show: "End",
        help: "The last card",
        run: (event2) => move({ end: 1 }, event2.shiftKey)
      },
      { keys: ["."], show: ".", help: "Next take or ratio of the card", about: true, run: () => within(1) },
      {
        keys: [","],
        show: ",",
        help: "Previous take or ratio of the card",
        about: true,
        run: () => within(-1)
      },
      {
        keys: ["1", "2", "3", "4", "5"],
        show: "1 – 5",
        help: "The first to fifth take or ratio of the card",
        about: true,
        run: (event2) => within(0, Number(event2.key))
      },
      { keys: ["enter"], show: "Enter", help: "Open the details", about: true, run: openCurrent },
      { keys: ["escape"], show: "Esc", help: "Close, or select nothing", run: () => clearSelection() }
    ],
    Judge: [
      {
        keys: ["p"],
        show: "P",
        help: "Keep and move on; with Shift stay",
        about: true,
        run: (event2) => word("kept", !event2.shiftKey)
      },
      {
        keys: ["x"],
        show: "X",
        help: "Reject and move on; with Shift stay",
        about: true,
        run: (event2) => word("rejected", !event2.shiftKey)
      },
      { keys: ["u"], show: "U", help: "Clear the verdict", about: true, run: () => word(null, false) },
      {
        keys: ["o"],
        show: "O",
        help: "Keep only this take: reject the others of its ratio",
        about: true,
        run: onlyThis
      },
      {
        keys: ["n"],
        show: "N",
        help: "Write a note",
        about: true,
        run: () => inDetail() ? focusNote() : openNote(meant())
      },
      { keys: ["z"], show: "Z", help: "Take the last verdict back", run: takeBack },
      { keys: ["r"], show: "R", help: "Render again", about: true, run: () => again(meant()) },
      { keys: ["s"], show: "S", help: "Save the picks as a file", run: () => save() }
    ],
    Look: [
      { keys: [" "], show: "Space", help: "Play or pause", about: true, run: () => togglePlay(stage2()) },
      { keys: ["f"], show: "F", help: "Full screen", about: true, run: fullScreen },
      {
        keys: ["m"],
        show: "M",
        help: "Sound on or off",
        run: () => toast(toggleSound() ? "Sound on" : "Sound off")
      },
      {
        keys: ["c"],
        show: "C",
        help: "Compare the takes and versions, or what is selected",
        about: true,
        run: compare
      },
      {
        keys: ["v"],
        show: "V",
        help: "Reel: play what is shown, one after the other",
        run: () => playReel()
      }
    ],
    Page: [
      {
        keys: ["/"],
        show: "/",
        help: "Search",
        run: () => inDetail() || find(".filters input[type=search]").focus()
      },
      { keys: ["?"], show: "?", help: "This list", run: openHelp }
    ]
  };
  var DIALOG_S_OWN = ["escape", "pageup", "pagedown", "home", "end"];
  var WITH_MOUSE = [
    ["Shift + arrows", "Select several cards: verdicts are for all of them"],
    ["Ctrl or Shift + click", "The same with a mouse"]
  ];
  var BY_KEY = new Map(
    Object.values(KEYS).flat().flatMap((key) => key.keys.map((each) => [each, key]))
  );
  function meant() {
    const clip = clipInDetail();
    return clip ? [clip] : clipsMeant();
  }
  function stage2() {
    return inDetail() ? detailStage() : currentCard() ?? document.body;
  }
  function within(by, nth = 0) {
    if (inDetail()) {
      stepWithin(by, nth);
    } else {
      const entry = changeClip(by, nth);
      say(entry ? clipName(entry) || heading(entry) : "No other take");
    }
  }
  function openCurrent() {
    const clip = currentClip();
    if (clip && !inDetail()) {
      openDetail(clip, clipsInOrder());
    }
  }
  async function fullScreen() {
    try {
      await toggleFullScreen(stage2());
    } catch {
      toast("The browser does not allow full screen here.");
    }
  }
  function word(verdict, movesOn) {
    if (inDetail() && seesEarlier()) {
      toast("This is an earlier version: choose the present one to judge it.");
      return;
    }
    const clips = meant();
    const sayable = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
    if (!sayable.length) {
      toast("There is no clip to judge here.");
      return;
    }
    const detail = inDetail();
    const several = !detail && selectedCount() > 0;
    const next = several || detail ? null : onwards();
    const told = verdict ? VERDICT[verdict] ?? "" : "Cleared";
    void judge(clips, { verdict });
    let there = sayable[0] ?? null;
    if (several) {
      clearSelection();
      enterGrid();
    } else if (movesOn && detail) {
      there = stepDetail(1) ?? there;
    } else if (movesOn && next) {
      there = next();
    } else if (!detail) {
      enterGrid();
    }
    tell2(several ? `${told}: ${number(sayable.length)} clips` : told, there);
  }
  function onlyThis() {
    const [clip] = meant();
    if (!clip) {
      return;
    }
    const name2 = clipName(clip).split(", take")[0];
    const others2 = (posts.get(clip.post) ?? []).filter(
      (each) => each !== clip && clipName(each).split(", take")[0] === name2
    );
    void judge([clip], { verdict: "kept" });
    void judge(others2, { verdict: "rejected" });
    tell2(others2.length ? `Kept, ${number(others2.length)} rejected` : "Kept", clip);
  }
  function tell2(told, there) {
    const { seen, clips } = progress();
    say(`${told}. ${number(seen)} of ${number(clips)} seen${there ? `: ${brief(heading(there), 100)}` : ""}`);
  }
  function takeBack() {
    const clips = undo();
    if (clips[0] && !inDetail()) {
      goTo(clips[0]);
    }
    toast(
      clips.length ? `Taken back: ${clips.length === 1 && clips[0] ? brief(heading(clips[0]), 60) : `${number(clips.length)} clips`}` : "There is nothing to take back."
    );
  }
  function openNote(clips) {
    const [first] = clips;
    const sayable = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
    if (!first || !sayable.length) {
      toast("There is no clip to write a note for.");
      return;
    }
    const field2 = make("textarea", {
      id: "note-text",
      rows: 4,
      maxlength: LONGEST_NOTE,
      dir: "auto",
      autofocus: true
    });
    field2.value = clips.length === 1 ? first.note ?? "" : "";
    const done = () => {
      dialog2.close();
      void judge(clips, { note: field2.value });
      say("Noted.");
    };
    const named2 = sayable.length === 1 ? brief(heading(first), 80) : `${number(sayable.length)} clips`;
    const dialog2 = openDialog(`Note: ${named2}`, [
      make("label", { for: "note-text" }, "Enter saves, Shift + Enter begins a line, Esc leaves it as it was."),
      field2,
      make("p", { class: "actions" }, button("Save the note", done, { class: "main" }))
    ]);
    field2.addEventListener("keydown", (event2) => {
      if (event2.key === "Enter" && !event2.shiftKey && !event2.isComposing) {
        event2.preventDefault();
        done();
      }
    });
  }
  function again(clips) {
    const hooks = (
      /** @type {Record<string, unknown>} */
      { ...live_exports }
    );
    if (!clips.length) {
      return;
    }
    if (isLive && typeof hooks.startAgain === "function") {
      hooks.startAgain(clips);
      return;
    }
    const many = clips.length === 1 ? "this clip" : `these ${number(clips.length)} clips`;
    openDialog("Render again", [
      make(
        "p",
        {},
        `This command renders ${many} again, at the usual price. The present one is kept in superseded/.`
      ),
      commandRow(againCommand(clips))
    ]);
  }
  function compare() {
    const [first, ...others2] = meant();
    if (!first) {
      return;
    }
    const clips = others2.length ? [first, ...others2] : posts.get(first.post) ?? [first];
    const ordered = others2.length ? clips : [first, ...clips.filter((each) => each !== first)];
    const sides = ordered.filter((entry) => entry.status === "succeeded" && entry.src && !entry.missing).flatMap((entry) => [
      { clip: entry, label: sideName(entry, others2.length > 0), task: entry.task },
      ...others2.length ? [] : versionsOf(entry)
    ]);
    if (sides.length > 1) {
      openCompare(sides);
    } else {
      toast("There is nothing to compare it with: select several cards with Shift and the arrows.");
    }
  }
  function sideName(entry, isOther) {
    return (isOther ? [brief(heading(entry), 60), clipName(entry)] : [clipName(entry) || "Now"]).filter(Boolean).join(", ");
  }
  function versionsOf(entry) {
    return (entry.versions ?? []).map((clip) => ({
      clip,
      label: [clipName(entry), `earlier${clip.finished_at ? `, ${moment(clip.finished_at)}` : ""}`].filter(Boolean).join(", "),
      task: entry.task
    }));
  }
  function openHelp() {
    const switching = make("input", { type: "checkbox", id: "single-keys" });
    switching.checked = areOn();
    switching.addEventListener("change", () => remember("keys", switching.checked ? "" : "off"));
    const group = (title, rows2) => make(
      "section",
      {},
      make("h3", {}, title),
      make(
        "dl",
        {},
        ...rows2.map(
          ([show2 = "", help = ""]) => make("div", {}, make("dt", {}, make("kbd", {}, show2)), make("dd", {}, help))
        )
      )
    );
    openDialog(
      "Keys",
      [
        make(
          "div",
          { class: "key-groups" },
          ...Object.entries(KEYS).map(
            ([title, keys]) => group(
              title,
              keys.map(({ show: show2, help }) => [show2, help])
            )
          ),
          group("Select", WITH_MOUSE)
        ),
        make(
          "p",
          { class: "switch-row" },
          switching,
          make("label", { for: "single-keys" }, "Keys of a single character work")
        )
      ],
      { class: "help" }
    );
  }
  function areOn() {
    return remembered("keys") !== "off";
  }
  function nameOf(event2) {
    const { key, code } = event2;
    if (key.length === 1 && key > "~") {
      return /^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : key;
    }
    return key.toLowerCase();
  }
  function isTyping({ target }) {
    return target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])"));
  }
  function isNative({ key, target }) {
    if (!(target instanceof HTMLElement)) {
      return false;
    }
    const presses = key === "Enter" || key === " ";
    return presses && target.matches("button, a, summary, input, video[controls], audio") || key.startsWith("Arrow") && target.matches("video[controls], audio, input, [role=slider]");
  }
  function pressed(event2) {
    if (event2.defaultPrevented || event2.ctrlKey || event2.metaKey || event2.altKey || event2.isComposing) {
      return;
    }
    const top = [...document.querySelectorAll("dialog[open]")].at(-1);
    const key = BY_KEY.get(nameOf(event2));
    if (!key || isTyping(event2) || isNative(event2) || top && top.id !== "detail") {
      return;
    }
    const isCharacter = nameOf(event2).length === 1 && event2.key !== " ";
    if (isCharacter && !areOn() || event2.repeat && !key.repeats) {
      return;
    }
    if (!inDetail() && (key.about || KEYS.Go?.includes(key)) && !isReady()) {
      return;
    }
    if (inDetail() && DIALOG_S_OWN.includes(nameOf(event2))) {
      return;
    }
    event2.preventDefault();
    if (key.about && !inDetail() && !enterGrid()) {
      return;
    }
    key.run(event2);
  }
  function startKeys() {
    document.addEventListener("keydown", pressed);
    find(".tools").append(
      reelButton(),
      button("?", openHelp, { class: "quiet help-button", "aria-label": "Keys", title: "Keys (?)" })
    );
  }

  // src/morning.js
  function showMorning(jobs2) {
    console.assert(jobs2);
  }

  // src/night.js
  var NIGHTS = data("nights");
  var nightSection = document.getElementById("night");
  var nightPicture = find(".night-picture");
  var nightReading = find(".night-reading");
  var ENDS = ["succeeded", "in_doubt", "failed"];
  var TICKS = [300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  var PAD = { left: 2, right: 2 };
  var night = NIGHTS[NIGHTS.length - 1];
  var drawnWidth = 0;
  function startNight() {
    if (!night) {
      return;
    }
    nightSection.hidden = false;
    const choice = document.getElementById("night-choice");
    const select = find("select", choice);
    NIGHTS.forEach((each, place2) => {
      select.append(make("option", { value: place2 }, when(each)));
    });
    select.value = String(NIGHTS.length - 1);
    choice.hidden = NIGHTS.length < 2;
    select.addEventListener("change", () => {
      night = NIGHTS[Number(select.value)];
      showNight();
    });
    new ResizeObserver(([{ contentRect }]) => {
      if (Math.round(contentRect.width) !== drawnWidth) {
        drawNight();
      }
    }).observe(nightPicture);
    nightPicture.addEventListener("pointermove", readNight);
    nightPicture.addEventListener("pointerleave", () => {
      point(-1);
    });
    showNight();
  }
  function when(each) {
    const [from, to] = [new Date(each.start * 1e3), new Date(each.end * 1e3)];
    const far = DAY.format(from) !== DAY.format(to);
    return `${DAY.format(from)}, ${CLOCK.format(from)} – ${far && each.end - each.start > 86400 ? `${DAY.format(to)}, ` : ""}${CLOCK.format(to)}`;
  }
  function sum(values) {
    return values.reduce((total, value) => total + value, 0);
  }
  function nightWords() {
    const [succeeded, doubt, failed] = ENDS.map((status) => sum(night[status]));
    const told = night.balance.filter((value) => value !== null);
    return [
      `At most ${number(Math.max(...night.in_flight))} in flight`,
      `${number(succeeded)} finished`,
      failed ? `${number(failed)} failed` : "",
      doubt ? `${number(doubt)} in doubt` : "",
      told.length ? `balance from ${money(told[0])} to ${money(told[told.length - 1])}` : ""
    ].filter(Boolean).join(", ");
  }
  function showNight() {
    find(".night-span").textContent = `${NIGHTS.length > 1 ? "" : `${when(night)} · `}${lasting(night.end - night.start)}`;
    find(".night-figures .scroll").replaceChildren(nightTable());
    drawNight();
  }
  function drawNight() {
    const width = Math.max(280, Math.round(nightPicture.clientWidth));
    drawnWidth = Math.round(nightPicture.clientWidth);
    const count = night.in_flight.length;
    const at = (place2) => PAD.left + place2 / count * (width - PAD.left - PAD.right);
    const told = night.balance.some((value) => value !== null);
    const height = told ? 250 : 196;
    const canvas = draw("svg", {
      width: "100%",
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `The night: ${nightWords()}.`
    });
    canvas.append(
      ...axis(at, width, height),
      ...flights(at),
      ...endings(at),
      ...told ? credits(at, width) : [],
      draw("line", { class: "pointer", y1: 0, y2: height - 22 })
    );
    nightPicture.replaceChildren(canvas);
    point(-1);
  }
  function label(x, y, words, attributes = {}) {
    return draw("text", { x, y, ...attributes }, words);
  }
  function axis(at, width, height) {
    const step = TICKS.find((tick) => (night.end - night.start) / tick <= width / 90) ?? 2592e3;
    const shift = new Date(night.start * 1e3).getTimezoneOffset() * 60;
    const marks2 = [];
    const length = night.in_flight.length * night.step;
    for (let time = Math.ceil((night.start - shift) / step) * step + shift; time < night.start + length; time += step) {
      const x = at((time - night.start) / night.step);
      marks2.push(draw("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }));
      if (x < width - 18) {
        const name2 = step < 86400 ? CLOCK.format(new Date(time * 1e3)) : DAY.format(new Date(time * 1e3)).replace(/ \d{4}$/, "");
        marks2.push(label(Math.max(0, x), height - 5, name2, { "text-anchor": x > 18 ? "middle" : "start" }));
      }
    }
    return marks2;
  }
  function flights(at) {
    const [top, base] = [24, 96];
    const most = Math.max(1, ...night.in_flight);
    let path = `M${at(0)} ${base}`;
    let line2 = "";
    night.in_flight.forEach((value, place2) => {
      const y = base - value / most * (base - top);
      path += `V${y}H${at(place2 + 1)}`;
      line2 += `${place2 ? "V" : `M${at(0)} `}${y}H${at(place2 + 1)}`;
    });
    return [
      label(0, 12, `In flight, at most ${number(Math.max(...night.in_flight))}`, { class: "name" }),
      draw("path", { class: "flight-area", d: `${path}V${base}Z` }),
      draw("path", { class: "flight-line", d: line2 })
    ];
  }
  function endings(at) {
    const [top, base] = [128, 172];
    const sums = night.succeeded.map((value, place2) => value + night.failed[place2] + night.in_doubt[place2]);
    const most = Math.max(1, ...sums);
    const gap = Math.min(1.5, (at(1) - at(0)) * 0.25);
    const bars = [];
    sums.forEach((_, place2) => {
      let y = base;
      for (const status of ENDS) {
        const value = night[status][place2];
        if (value) {
          const tall = Math.max(status === "succeeded" ? 1.5 : 4, value / most * (base - top));
          y -= tall;
          bars.push(
            draw("rect", {
              class: status,
              x: at(place2) + gap / 2,
              y,
              width: Math.max(1.5, at(place2 + 1) - at(place2) - gap),
              height: tall,
              rx: 1
            })
          );
        }
      }
    });
    const each = `each ${lasting(night.step)}`;
    return [label(0, 116, `Finished ${each}, at most ${number(most)}`, { class: "name" }), ...bars];
  }
  function credits(at, width) {
    const [top, base] = [198, 224];
    const told = night.balance.filter((value) => value !== null);
    const [least, most] = [Math.min(...told), Math.max(...told)];
    let line2 = "";
    night.balance.forEach((value, place2) => {
      if (value !== null) {
        const y = most === least ? (top + base) / 2 : base - (value - least) / (most - least) * (base - top);
        line2 += line2 ? `H${at(place2)}V${y}` : `M${at(place2)} ${y}`;
      }
    });
    return [
      label(0, 190, `Balance ${money(told[0])}`, { class: "name" }),
      label(width - 2, 190, money(told[told.length - 1]), { class: "name", "text-anchor": "end" }),
      draw("path", { class: "balance-line", d: `${line2}H${at(night.in_flight.length)}` })
    ];
  }
  function readNight(move2) {
    const box = nightPicture.getBoundingClientRect();
    const place2 = Math.floor((move2.clientX - box.left) / box.width * night.in_flight.length);
    point(Math.min(night.in_flight.length - 1, Math.max(0, place2)));
  }
  function point(place2) {
    const line2 = find(".pointer", nightPicture);
    line2.classList.toggle("off", place2 < 0);
    const x = (Math.max(place2, 0) + 0.5) / night.in_flight.length * Math.max(280, drawnWidth);
    line2.setAttribute("x1", x);
    line2.setAttribute("x2", x);
    nightReading.textContent = place2 < 0 ? `${nightWords()}.` : reading(place2);
  }
  function reading(place2) {
    const from = CLOCK.format(new Date((night.start + place2 * night.step) * 1e3));
    const ended = ENDS.map((status) => [
      night[status][place2],
      status === "succeeded" ? "finished" : STATUS[status].toLowerCase()
    ]);
    const balance = night.balance.slice(0, place2 + 1).findLast((value) => value !== null);
    return [
      from,
      `${number(night.in_flight[place2])} in flight`,
      ...ended.filter(([value]) => value).map(([value, word2]) => `${number(value)} ${word2}`),
      balance === void 0 ? "" : money(balance)
    ].filter(Boolean).join(" · ");
  }
  function nightTable() {
    const columns2 = ["From", "In flight, at most", "Finished", "Failed", "In doubt", "Balance"];
    const every = Math.ceil(night.in_flight.length / 24);
    const body = make("tbody");
    for (let place2 = 0; place2 < night.in_flight.length; place2 += every) {
      const part = (name2) => night[name2].slice(place2, place2 + every);
      const told = part("balance").findLast((value) => value !== null);
      const cells = [
        Math.max(...part("in_flight")),
        sum(part("succeeded")),
        sum(part("failed")),
        sum(part("in_doubt"))
      ].map(number);
      const from = MOMENT.format(new Date((night.start + place2 * night.step) * 1e3));
      body.append(
        make(
          "tr",
          {},
          make("th", { scope: "row" }, from),
          ...[...cells, told === void 0 ? "–" : money(told)].map((cell) => make("td", {}, cell))
        )
      );
    }
    return make(
      "table",
      { class: "figures-table" },
      make("caption", { class: "unseen" }, "The night in figures"),
      make("thead", {}, make("tr", {}, ...columns2.map((column) => make("th", { scope: "col" }, column)))),
      body
    );
  }
  var started = false;
  var nights = {
    name: "night",
    label: "The night",
    show: () => {
      if (!started) {
        started = true;
        startNight();
      }
    }
  };

  // src/unfinished.js
  var ROWS = 100;
  var KIND_OF_BLOCK = {
    failed: (entry) => entry.status === "failed" && entry.settled !== "not_billed" && !entry.standing,
    in_doubt: (entry) => entry.status === "in_doubt" && !entry.standing,
    missing: (entry) => isMissing(entry) && !entry.standing
  };
  var blocks = [...document.querySelectorAll("#unfinished .block")];
  for (const block of blocks) {
    for (const command of block.querySelectorAll(".command")) {
      const text3 = find("code", command).textContent;
      command.append(copier("Copy", text3));
      find("button", command).setAttribute(
        "aria-label",
        `Copy the command: ${find("h3", block).textContent}, ${text3}`
      );
    }
  }
  function unfinishedCount() {
    return entries.filter((entry) => Object.values(KIND_OF_BLOCK).some((of) => of(entry))).length;
  }
  function showUnfinished(entries2) {
    for (const block of blocks) {
      const of = KIND_OF_BLOCK[block.dataset.block];
      if (of) {
        const rows2 = find(".rows", block);
        rows2.replaceChildren(...table(entries2.filter(of), find("h3", block).textContent, entries2));
      }
    }
  }
  function table(found2, name2, entries2) {
    if (!found2.length) {
      return [make("p", { class: "empty" }, "None of them matches the filters.")];
    }
    const columns2 = ["Task", "Reason", "Attempts", "At risk", "When"];
    const head = make("tr", { role: "row" });
    head.append(...columns2.map((column) => make("th", { scope: "col", role: "columnheader" }, column)));
    const body = make("tbody", { role: "rowgroup" });
    const sheet = make(
      "table",
      { class: "sheet", role: "table" },
      make("caption", { class: "unseen" }, name2),
      make("thead", { role: "rowgroup" }, head),
      body
    );
    const more = button(
      "",
      () => {
        addRows(body, found2, more, entries2);
      },
      { class: "quiet" }
    );
    addRows(body, found2, more, entries2);
    return [sheet, make("p", { class: "more" }, more)];
  }
  function addRows(body, found2, more, entries2) {
    const from = body.children.length;
    body.append(...found2.slice(from, from + ROWS).map((entry) => row(entry, entries2)));
    const left = found2.length - body.children.length;
    more.hidden = left === 0;
    more.textContent = `Show ${number(Math.min(ROWS, left))} more of ${number(left)}`;
  }
  function row(entry, entries2) {
    const open = button(
      brief(titled(entry), 160),
      () => {
        openDetail(entry, entries2);
      },
      {
        class: "link",
        "aria-haspopup": "dialog"
      }
    );
    const code = entry.http_status && entry.status !== "succeeded" ? ` HTTP ${entry.http_status}` : "";
    const why = entry.status === "succeeded" ? `${entry.file} is not beside this page.` : entry.error ?? "No reason was given.";
    return make(
      "tr",
      { role: "row" },
      make(
        "th",
        { scope: "row", role: "rowheader" },
        open,
        make("span", { class: "task" }, entry.file ?? entry.name ?? entry.task)
      ),
      field("Reason", why, code && make("span", { class: "code" }, code)),
      field("Attempts", number(entry.attempts)),
      field("At risk", entry.at_risk ? money(entry.at_risk) : "–"),
      field("When", entry.finished_at ? moment(entry.finished_at) : "–")
    );
  }
  function field(label2, ...children) {
    return make("td", { role: "cell", "data-label": label2 }, ...children);
  }
  var unfinished = { name: "unfinished", label: "Unfinished", show: showUnfinished, badge: unfinishedCount };

  // src/views.js
  var views = [];
  function register(view) {
    views.push(view);
  }

  // src/main.js
  var countLine = announcer(find(".count"), 200);
  var tabs = /* @__PURE__ */ new Map();
  var shown = "";
  var detailed = "";
  function openPage() {
    for (const time of document.querySelectorAll("header time")) {
      time.textContent = moment(time.getAttribute("datetime") ?? "");
    }
    for (const view of [gallery, calendar, unfinished, nights]) {
      register(view);
    }
    startFilters();
    startVerdicts();
    startKeys();
    provide({ again: (entry) => again([entry]), compare });
    dialog.addEventListener("close", () => {
      const entry = byTask.get(detailed);
      if (shown === gallery.name && entry) {
        goTo(entry);
      }
    });
    find("#toolbar").hidden = false;
    addEventListener("hashchange", () => {
      if (!location.hash || location.hash.includes("=")) {
        readAddress();
        refresh();
      }
    });
    on("asked", refresh);
    on("entries", refresh);
    on("said", refresh);
    readAddress();
    refresh();
    if (isLive) {
      startLive();
    }
  }
  function refresh() {
    const view = views.find((each) => each.name === asked.view) ?? views[0];
    const found2 = selected();
    showTabs(view?.name ?? "");
    if (shown !== view?.name) {
      views.find((each) => each.name === shown)?.hide?.();
      shown = view?.name ?? "";
    }
    for (const each of views) {
      find(`#${each.name}`).hidden = each !== view;
    }
    view?.show(found2);
    showFilters();
    countLine(counted2(found2.length));
    const entry = byTask.get(asked.task);
    if (entry) {
      detailed = entry.task;
      openDetail(
        entry,
        grouped(found2).flatMap((post2) => post2.entries)
      );
    } else if (clipInDetail()) {
      closeDetail();
    }
  }
  function showTabs(current2) {
    views.forEach((view, place2) => {
      const tab = tabs.get(view.name) ?? makeTab(view, place2);
      tab.ariaPressed = String(view.name === current2);
      const badge = view.badge?.();
      tab.replaceChildren(view.label, badge ? make("span", { class: "badge" }, number(badge)) : "");
    });
  }
  function makeTab(view, place2) {
    const tab = button(view.label, () => ask({ view: place2 ? view.name : "" }), { "data-view": view.name });
    tabs.set(view.name, tab);
    find(".views").append(tab);
    return tab;
  }
  function counted2(count) {
    if (!entries.length) {
      return "No clips yet";
    }
    const all = `${number(entries.length)} ${entries.length === 1 ? "clip" : "clips"}`;
    return count === entries.length ? all : count ? `${number(count)} of ${all}` : `None of ${all} matches`;
  }
  var jobs = data("jobs");
  if (jobs) {
    showMorning(jobs);
  } else {
    openPage();
  }
})();
