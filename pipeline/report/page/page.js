"use strict";
(() => {
  // src/comeback.js
  function comeback() {
    const before2 = (
      /** @type {HTMLElement | null} */
      document.activeElement
    );
    const home = before2?.closest("[id]");
    const place2 = home && before2 ? [...home.querySelectorAll(before2.localName)].indexOf(before2) : -1;
    return () => {
      const again3 = document.getElementById(home?.id ?? "")?.querySelectorAll(before2?.localName ?? "*")[place2];
      const target = before2?.isConnected ? before2 : (
        /** @type {HTMLElement | undefined} */
        again3
      );
      (target ?? document.getElementById("work"))?.focus({ preventScroll: true });
    };
  }

  // src/dates.js
  var WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:.(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/su;
  var A_DAY = 864e5;
  function readMoment(text3) {
    const [, year = "", month2 = "", day = "", hours = "", minutes = "00", seconds2 = "00", zone] = WRITTEN.exec(text3.trim()) ?? [];
    const date = new Date(Date.UTC(Number(year), Number(month2) - 1, Number(day)));
    const real = year && year !== "0000" && date.getUTCMonth() === Number(month2) - 1 && date.getUTCDate() === Number(day);
    if (!real || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds2) > 59) {
      return null;
    }
    return {
      day: `${year}-${month2}-${day}`,
      month: `${year}-${month2}`,
      clock: hours && `${hours}:${minutes}:${seconds2}`,
      zone: zone === void 0 ? null : ahead(zone),
      date
    };
  }
  function ahead(zone) {
    const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
    return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
  }
  function dayName(date) {
    return date.toISOString().slice(0, 10);
  }
  function mondayOf(date) {
    return new Date(date.getTime() - (date.getUTCDay() + 6) % 7 * A_DAY);
  }
  function today() {
    const now = /* @__PURE__ */ new Date();
    return new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
  }

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
  function money(amount2) {
    const size2 = Math.abs(amount2);
    const fits = (digits2) => size2 >= 1 || Math.abs(Number(size2.toFixed(digits2)) - size2) <= size2 / 100;
    const digits = [2, 4, 6].find(fits) ?? 6;
    const text3 = size2.toLocaleString(LOCALE, {
      minimumFractionDigits: 2,
      maximumFractionDigits: digits
    });
    return `${amount2 < 0 && Number(size2.toFixed(digits)) ? "-" : ""}$${text3}`;
  }
  function lasting(seconds2) {
    if (seconds2 < 10) {
      return `${Number(seconds2.toFixed(1))} s`;
    }
    const whole = Math.round(seconds2);
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
    const words2 = name2.replace(/[_-]+/g, " ").trim();
    return words2 ? words2.charAt(0).toUpperCase() + words2.slice(1) : name2;
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
  var spare = [];
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
    for (const image2 of container.querySelectorAll("img.poster")) {
      if (image2 instanceof HTMLImageElement) {
        image2.onerror = null;
        image2.onload = null;
        image2.classList.remove("drawn");
        image2.removeAttribute("src");
        image2.remove();
        spare.push(image2);
      }
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
    const known4 = parts ? Number(parts[1]) / Number(parts[2]) : Number(width) / Number(height);
    return known4 > 0.1 && known4 < 10 ? known4 : 0;
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
  function instead(kind, what, ...words2) {
    const lines2 = words2.filter(Boolean).map((text3) => make("span", { dir: "auto" }, brief(text3, 400)));
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
      const element = spare.pop() ?? make("img", { class: "poster", alt: "", decoding: "async" });
      element.onerror = () => element.replaceWith(firstFrame(entry, holder));
      element.src = entry.poster;
      return element;
    }
    return firstFrame(entry, holder);
  }
  var toDraw = [];
  var AT_LATEST = 150;
  var whenIdle = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 16));
  async function drawSome(rest2) {
    do {
      await toDraw.pop()?.();
    } while (toDraw.length && rest2 && rest2.timeRemaining() > 3);
    if (toDraw.length) {
      whenIdle(drawSome, { timeout: AT_LATEST });
    }
  }
  async function draw2(image2, canvas) {
    const { clientWidth: width, clientHeight: height } = canvas;
    const fits = Math.min(width / image2.naturalWidth, height / image2.naturalHeight);
    const scale = Math.min(1, fits * devicePixelRatio || 1);
    try {
      const bitmap = await createImageBitmap(image2, {
        resizeWidth: Math.max(1, Math.round(image2.naturalWidth * scale)),
        resizeHeight: Math.max(1, Math.round(image2.naturalHeight * scale)),
        resizeQuality: "medium"
      });
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    } catch {
      canvas.remove();
      image2.classList.remove("drawn");
    }
  }
  function drawn(entry, holder) {
    const image2 = still(entry, holder);
    if (!(image2 instanceof HTMLImageElement)) {
      return [image2];
    }
    const canvas = make("canvas", { class: "still", "aria-hidden": "true" });
    image2.classList.add("drawn");
    image2.onload = () => {
      const { src } = image2;
      toDraw.push(async () => {
        if (image2.src === src && canvas.isConnected) {
          await draw2(image2, canvas);
        }
      });
      if (toDraw.length === 1) {
        whenIdle(drawSome, { timeout: AT_LATEST });
      }
    };
    return [image2, canvas];
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
      this.box = make("div", { class: "screen" }, ...drawn(entry, holder), this.strip, this.cover);
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
      "chosen",
      "period"
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
  function emit(topic, told2) {
    for (const listener of listeners.get(topic) ?? []) {
      listener(told2);
    }
  }
  var held = /* @__PURE__ */ new Map();
  function hold(tasks, by) {
    for (const task2 of tasks) {
      const left = (held.get(task2) ?? 0) + by;
      if (left > 0) {
        held.set(task2, left);
      } else {
        held.delete(task2);
      }
    }
  }
  function merge(given) {
    const changed = /* @__PURE__ */ new Set();
    for (const each2 of given) {
      const entry = (
        /** @type {Entry} */
        { attempts: 1, params: {}, meta: {}, ...each2 }
      );
      entry.post ??= entry.group;
      const known5 = byTask.get(entry.task);
      if (known5 && held.has(entry.task) && known5.sha256 === entry.sha256) {
        Object.assign(entry, { verdict: known5.verdict, note: known5.note, by: known5.by, at: known5.at });
      }
      if (known5) {
        entries[entries.indexOf(known5)] = entry;
      } else {
        entries.push(entry);
      }
      byTask.set(entry.task, entry);
      const group = posts.get(entry.post) ?? [];
      const place2 = known5 ? group.indexOf(known5) : -1;
      group[place2 < 0 ? group.length : place2] = entry;
      posts.set(entry.post, group);
      changed.add(entry.task);
    }
    const found2 = [...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS);
    const known4 = new Map(facets.map((facet) => [facet.key, facet]));
    facets.splice(0, facets.length, ...found2.map((facet) => Object.assign(known4.get(facet.key) ?? {}, facet)));
    if (changed.size) {
      emit("entries", changed);
    }
  }
  function replaceAll(given) {
    const there = new Set(given.map((entry) => entry.task));
    const gone = entries.filter((entry) => !there.has(entry.task)).map((entry) => entry.task);
    const news2 = given.filter((entry) => differs(entry, byTask.get(entry.task)));
    const order2 = given.map((entry) => entry.task).join("\n") !== entries.map((entry) => entry.task).join("\n");
    if (!gone.length && !news2.length && !order2) {
      return;
    }
    const shapes = new Map(entries.map((entry) => [entry.task, entry.shape]));
    entries.length = 0;
    byTask.clear();
    posts.clear();
    if (given.length) {
      merge(given.map((entry) => ({ shape: shapes.get(entry.task), ...entry })));
    } else {
      emit("entries", new Set(gone));
    }
  }
  function differs(entry, known4) {
    return !known4 || written(entry) !== written(known4);
  }
  function written(entry) {
    const told2 = Object.entries(entry).filter(
      ([name2, value]) => name2 !== "shape" && name2 !== "text" && value !== void 0
    );
    return JSON.stringify(told2.sort(([one], [other]) => one < other ? -1 : 1));
  }
  function take(words2, isOwn = false) {
    const changed = /* @__PURE__ */ new Set();
    for (const word3 of words2) {
      const entry = isOwn || !held.has(word3.task) ? byTask.get(word3.task) : void 0;
      if (entry && entry.sha256 === word3.sha256 && !(entry.at && Date.parse(entry.at) > Date.parse(word3.at))) {
        entry.verdict = word3.verdict ?? void 0;
        entry.note = word3.note ?? void 0;
        entry.by = word3.by ?? void 0;
        entry.at = word3.at;
        entry.said_by_row = void 0;
        entry.text = void 0;
        changed.add(word3.task);
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
    const when2 = readMoment(String(entry.publish ?? entry.meta.publish ?? ""));
    return when2 && { day: when2.day, month: when2.month, time: when2.clock.slice(0, 5), date: when2.date };
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
    const words2 = q.toLowerCase().split(/\s+/);
    const wanted2 = [...asked.facets];
    return (entry) => (!status || (SPECIAL[status]?.(entry) ?? entry.status === status)) && (!verdict || (verdict === "none" ? isUnseen(entry) : entry.verdict === verdict)) && (!day || published(entry)?.day === day) && (!post2 || entry.post === post2) && wanted2.every(
      ([facet, value]) => facet.name in entry[facet.field] && plain(entry[facet.field][facet.name]) === value
    ) && words2.every((word3) => text(entry).includes(word3));
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
    const count2 = (verdict) => there.filter((entry) => entry.verdict === verdict).length;
    const [kept2, rejected] = [count2("kept"), count2("rejected")];
    return { clips: there.length, seen: kept2 + rejected, kept: kept2, rejected };
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
    return when2 ? `${when2.day} ${when2.time}` : "9999";
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
    const said3 = new URLSearchParams(location.hash.slice(1));
    for (const name2 of SINGLE) {
      asked[name2] = said3.get(name2) ?? "";
    }
    asked.sort = asked.sort in ORDERS ? asked.sort : "";
    asked.facets.clear();
    for (const facet of facets) {
      const value = said3.get(facet.key);
      if (value !== null && facet.values.includes(value)) {
        asked.facets.set(facet, value);
      }
    }
  }
  function writeAddress() {
    const said3 = new URLSearchParams();
    for (const name2 of SINGLE) {
      if (asked[name2]) {
        said3.set(name2, asked[name2]);
      }
    }
    for (const [facet, value] of asked.facets) {
      said3.set(facet.key, value);
    }
    const hash = String(said3);
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch {
    }
  }
  merge(data("entries") ?? []);

  // src/commands.js
  function copier(label2, words2) {
    return button(
      label2,
      async () => {
        if (await copied(words2)) {
          toast("Copied.");
        } else {
          say("Copying is not allowed here: select the text instead.");
        }
      },
      { class: "quiet" }
    );
  }
  async function copied(words2) {
    try {
      await navigator.clipboard.writeText(words2);
      return true;
    } catch {
      const field2 = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
      field2.value = words2;
      const before2 = document.activeElement;
      ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(field2);
      field2.select();
      const done2 = document.execCommand("copy");
      field2.remove();
      if (before2 instanceof HTMLElement) {
        before2.focus({ preventScroll: true });
      }
      return done2;
    }
  }
  function commandRow(command) {
    const copy = copier("Copy", command);
    copy.ariaLabel = `Copy the command: ${command}`;
    return make("div", { class: "command" }, make("code", {}, command), copy);
  }
  function againCommand(entries2) {
    const start3 = job?.again?.endsWith(" rejected") ? job.again.slice(0, -" --again rejected".length) : "";
    const which = entries2.map((entry) => `${entry.task.startsWith("-") ? " --again=" : " --again "}${quoted(entry.task)}`).join("");
    return `${start3 || job?.command || "pipeline run JOB.yaml"}${which}`;
  }
  function quoted(word3) {
    return /^[\w@%+=:,./-]+$/.test(word3) ? word3 : `'${word3.replaceAll("'", `'"'"'`)}'`;
  }

  // src/standing.js
  var REASON = {
    window: "outside the hours of the job",
    outage: "the provider does not answer",
    "rate limit": "rate limit",
    credits: "the balance is too low",
    account: "other runs of the account go first"
  };
  var RUN_CODES = /* @__PURE__ */ new Map([
    [0, "every clip is ready"],
    [1, "it went through; some failed or are in doubt"],
    [2, "nothing was sent"],
    [3, "stopped for credits: top up, then run again"],
    [4, "stopped: the provider refuses the run"],
    [5, "stopped: an outage outlasted its patience"],
    [6, "stopped: the hours of the job are over"],
    [7, "stopped: the clips cannot be written"],
    [70, "a bug of ours: please report it"],
    [129, "stopped by a hang-up"],
    [130, "stopped by Ctrl-C"],
    [143, "stopped; what was in flight is saved"]
  ]);
  var SETTLE_CODES = /* @__PURE__ */ new Map([
    [0, "nothing is in doubt any more"],
    [1, "something is still in doubt"],
    [2, "nothing was settled"],
    [70, "a bug of ours: please report it"]
  ]);
  function stateWord(state2) {
    const words2 = {
      running: "Running",
      paused: "Paused",
      waiting: "Waiting",
      stopping: "Stopping",
      ended: "Not running"
    };
    if (state2.state === "ended" && done(state2)) {
      return state2.counts.succeeded === state2.counts.total ? "Finished" : "Ended";
    }
    return words2[state2.state];
  }
  function stateDetail(state2) {
    const reason2 = state2.reason && state2.reason !== "paused" && state2.state !== "running" ? REASON[state2.reason] ?? state2.reason : "";
    const until = state2.until && state2.state !== "running" ? `until ${clock(state2.until)}` : "";
    const flight = state2.in_flight ? `${number(state2.in_flight)} in flight` : "";
    const accepted = state2.accepted ? `${number(state2.accepted)} waiting at the provider` : "";
    const why = [reason2, until].filter(Boolean).join(" ");
    return [why, [flight, accepted].filter(Boolean).join(", ")].filter(Boolean).join(" · ");
  }
  function clock(at2) {
    const when2 = new Date(at2 * 1e3);
    return Number.isNaN(when2.getTime()) ? "a later time" : CLOCK.format(when2);
  }
  function done(state2) {
    const { succeeded, failed, in_doubt: doubt2 } = state2.counts;
    return succeeded + failed + doubt2;
  }
  function progressWords(state2) {
    const { total, succeeded, failed, in_doubt: doubt2 } = state2.counts;
    const rest2 = [failed ? `${number(failed)} failed` : "", doubt2 ? `${number(doubt2)} in doubt` : ""].filter(Boolean).join(", ");
    const eta = state2.running && state2.eta_s && state2.eta_s > 0 ? `about ${span(state2.eta_s)} left` : "";
    return [`${number(succeeded)} of ${number(total)} ready`, rest2, eta].filter(Boolean).join(" · ");
  }
  function span(seconds2) {
    return seconds2 >= 90 ? lasting(Math.ceil(seconds2 / 60) * 60).replace(" 0 s", "") : lasting(Math.ceil(seconds2));
  }
  function figures(state2) {
    const { remaining_credits: balance, budget } = state2;
    return [
      ["Spent", money(state2.spent) + (typeof budget === "number" ? ` of ${money(budget)}` : ""), ""],
      ["At risk", money(state2.at_risk), state2.at_risk > 0 ? "doubt" : "none"],
      ["Balance", balance === null || balance === void 0 ? "unknown" : money(balance), ""]
    ];
  }
  function outcome(action) {
    if (action.running) {
      return "at work";
    }
    const words2 = /\bsettle\b/.test(action.what) ? SETTLE_CODES : RUN_CODES;
    return action.code === null ? "ended" : words2.get(action.code) ?? `ended with code ${action.code}`;
  }

  // src/action-log.js
  var KEPT_ACTIONS = 6;
  var SHOWN_LINES = 40;
  var actions = /* @__PURE__ */ new Map();
  var log = make("details", { class: "live-log", hidden: true });
  function showAction(action) {
    const before2 = actions.get(action.id);
    actions.delete(action.id);
    actions.set(action.id, action);
    for (const id of [...actions.keys()].slice(0, -KEPT_ACTIONS)) {
      actions.delete(id);
    }
    if (before2?.running !== action.running && !action.running) {
      say(`${action.what}: ${outcome(action)}`);
    }
    showLog();
  }
  function showLog() {
    const shown2 = [...actions.values()].reverse();
    const [latest] = shown2;
    if (!latest) {
      return;
    }
    const ended = !latest.running && latest.code !== 0;
    log.hidden = false;
    const summary2 = make(
      "summary",
      {},
      make("code", {}, latest.what),
      make("span", { class: ended ? "fault" : "soft" }, ` ${outcome(latest)}`)
    );
    const last = latest.lines.at(-1);
    if (latest.running && last) {
      summary2.append(make("span", { class: "soft last-line" }, ` · ${last}`));
    }
    const parts = shown2.flatMap((action) => [
      make("p", { class: "log-head" }, make("code", {}, action.what), ` ${outcome(action)}`),
      make(
        "pre",
        { tabindex: "0", role: "group", "aria-label": `What ${action.what} says` },
        action.lines.slice(-SHOWN_LINES).join("\n") || "…"
      )
    ]);
    const focused2 = log.contains(document.activeElement);
    log.replaceChildren(summary2, make("div", { class: "log-body" }, ...parts));
    if (focused2) {
      summary2.focus({ preventScroll: true });
    }
  }

  // src/ask-first.js
  async function askFirst({ title, body, yes, act }) {
    const words2 = make(
      "div",
      { class: "question-body", "aria-busy": "true" },
      make("p", { class: "soft" }, "One moment…")
    );
    const fault2 = make("p", { class: "fault", role: "alert" });
    const no = button(
      "Cancel",
      () => {
        dialog2.close();
      },
      { class: "quiet" }
    );
    const go = button(
      yes,
      () => {
        void perform();
      },
      { class: "primary" }
    );
    const dialog2 = make(
      "dialog",
      { class: "question", "aria-labelledby": "question-title" },
      make("h2", { id: "question-title" }, title),
      words2,
      fault2,
      make("p", { class: "question-choices" }, no, go)
    );
    let done2 = false;
    async function perform() {
      go.disabled = true;
      fault2.textContent = "";
      try {
        await act();
        done2 = true;
        dialog2.close();
      } catch (error) {
        fault2.textContent = sentence(error);
        go.disabled = false;
        go.focus();
      }
    }
    dialog2.addEventListener("keydown", (event2) => {
      event2.stopPropagation();
    });
    dialog2.addEventListener("click", (event2) => {
      if (event2.target === dialog2) {
        dialog2.close();
      }
    });
    const closed = new Promise((resolve) => {
      dialog2.addEventListener("close", resolve);
    });
    document.body.append(dialog2);
    go.disabled = true;
    dialog2.showModal();
    no.focus();
    try {
      words2.replaceChildren(...(await body()).filter((each2) => each2 !== null && each2 !== void 0));
      go.disabled = false;
      go.focus();
    } catch (error) {
      words2.replaceChildren();
      fault2.textContent = sentence(error);
    }
    words2.removeAttribute("aria-busy");
    await closed;
    dialog2.remove();
    return done2;
  }
  function sentence(error) {
    const text3 = error instanceof Error ? error.message : String(error);
    return `${text3.charAt(0).toUpperCase()}${text3.slice(1)}${/[.!?]$/.test(text3) ? "" : "."}`;
  }

  // src/reading.js
  var LAST = 4e9;
  var isText = (value) => typeof value === "string";
  var isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  var isYes = (value) => typeof value === "boolean";
  var isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  var isAddress = (value) => typeof value === "string" && /^(\.\/|https?:\/\/)/.test(value);
  var CLIP = {
    ...each(isAddress, "src", "poster", "strip"),
    ...each(isText, "file", "kind", "sha256", "finished_at", "note"),
    ...each(isNumber, "cost", "poster_w", "poster_h"),
    verdict: (value) => value === "kept" || value === "rejected",
    params: isObject
  };
  var ENTRY = {
    ...CLIP,
    ...each(
      isText,
      "task",
      "prompt",
      "model",
      "group",
      "post",
      "own_id",
      "publish",
      "channel",
      "caption",
      "campaign"
    ),
    ...each(isText, "name", "request_id", "error", "standing", "settled", "by", "at"),
    ...each(isNumber, "take", "bytes", "http_status", "attempts", "at_risk", "duration_s"),
    ...each(isYes, "missing", "said_by_row", "small"),
    ...each(isObject, "values", "meta", "media", "words"),
    status: (value) => ["succeeded", "failed", "in_doubt", "pending"].includes(String(value)),
    flags: (value) => Array.isArray(value) && value.every(isText)
  };
  var STATE = {
    ...each(isText, "reason", "detail", "rate", "started_at"),
    ...each(isNumber, "concurrency", "budget", "eta_s", "remaining_credits")
  };
  function each(test, ...names) {
    return Object.fromEntries(names.map((name2) => [name2, test]));
  }
  function passing(given, tests) {
    return Object.fromEntries(
      Object.entries(tests).flatMap(([name2, test]) => test(given[name2]) ? [[name2, given[name2]]] : [])
    );
  }
  function objects(given) {
    return Array.isArray(given) ? given.filter(isObject) : [];
  }
  function readEntries(given) {
    const read = objects(given).map((fields) => {
      const versions = objects(fields.versions).map((clip) => ({ params: {}, ...passing(clip, CLIP) }));
      return {
        prompt: "",
        model: "",
        params: {},
        meta: {},
        attempts: 1,
        ...passing(fields, ENTRY),
        ...versions.length && { versions }
      };
    });
    return read.filter((entry) => entry.task && entry.status).map((entry) => ({
      ...entry,
      group: entry.group ?? entry.task,
      post: entry.post ?? entry.group ?? entry.task
    }));
  }
  function readSaid(given) {
    return objects(given).map(({ task: task2, verdict, note: note2, by, at: at2, sha256 }) => ({
      task: String(task2),
      verdict: verdict === "kept" || verdict === "rejected" ? verdict : null,
      note: typeof note2 === "string" ? note2 : null,
      by: typeof by === "string" ? by : null,
      // Without a time nothing is said of the clip any more.
      at: typeof at2 === "string" && !Number.isNaN(Date.parse(at2)) ? at2 : "",
      sha256: String(sha256)
    }));
  }
  function readState(given) {
    if (!isObject(given)) {
      return null;
    }
    const counts2 = isObject(given.counts) ? given.counts : {};
    return {
      remaining_credits: null,
      ...passing(given, STATE),
      until: seconds(given.until),
      running: given.running === true,
      state: (
        /** @type {State["state"]} */
        ["running", "paused", "waiting", "stopping"].find(
          (word3) => given.running === true && word3 === given.state
        ) ?? (given.running === true ? "running" : "ended")
      ),
      in_flight: given.running === true ? count(given.in_flight) : 0,
      accepted: count(given.accepted),
      counts: {
        total: count(counts2.total),
        succeeded: count(counts2.succeeded),
        failed: count(counts2.failed),
        in_doubt: count(counts2.in_doubt),
        pending: count(counts2.pending)
      },
      spent: amount(given.spent),
      at_risk: amount(given.at_risk),
      now: seconds(given.now) ?? Date.now() / 1e3
    };
  }
  function readAction(given) {
    if (!isObject(given) || given.id === void 0) {
      return null;
    }
    return {
      id: String(given.id),
      what: isText(given.what) ? String(given.what) : "command",
      running: given.running === true,
      code: isNumber(given.code) ? Number(given.code) : null,
      lines: Array.isArray(given.lines) ? given.lines.filter(isText).slice(-200) : []
    };
  }
  function seconds(value) {
    const at2 = typeof value === "string" ? Date.parse(value) / 1e3 : value;
    return isNumber(at2) && Math.abs(Number(at2)) < LAST ? Number(at2) : null;
  }
  function count(value) {
    return isNumber(value) ? Math.max(0, Math.round(Number(value))) : 0;
  }
  function amount(value) {
    return isNumber(value) ? Number(value) : 0;
  }

  // src/server.js
  var isLive = Boolean(job?.live);
  var base = job?.live?.base ?? "./";
  var AWAY = "The server is away";
  var OVER = "This page may not speak to the server any more";
  var HOW_BACK = "open the address that `pipeline view` prints as its first line";
  var Refused = class extends Error {
    /**
     * @param {string} message for people
     * @param {number} status of HTTP
     */
    constructor(message, status) {
      super(message);
      this.status = status;
    }
  };
  async function get(name2) {
    return await call(name2, { headers: { Accept: "application/json" } });
  }
  async function post(name2, body) {
    return await call(name2, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body)
    });
  }
  async function call(name2, how) {
    const answer = await fetch(base + name2, { ...how, cache: "no-store" }).catch(() => null);
    if (!answer) {
      throw new Refused(`${AWAY}: is \`pipeline view\` still running?`, 0);
    }
    if (answer.status === 401) {
      throw new Refused(`${OVER}: ${HOW_BACK}`, 401);
    }
    const told2 = await answer.json().catch(() => null);
    if (!answer.ok) {
      const said3 = [told2?.error, told2?.hint].filter((each2) => typeof each2 === "string" && each2);
      throw new Refused(said3.join(": ") || `the server answers ${answer.status}`, answer.status);
    }
    if (told2 === null || typeof told2 !== "object") {
      throw new Refused("the server's answer cannot be read: load the page again", answer.status);
    }
    return told2;
  }

  // src/again.js
  var SHOWN = 5;
  async function startAgain(which) {
    const rejected = which === "rejected";
    const clips = rejected ? entries.filter((entry) => entry.verdict === "rejected") : which;
    const again3 = rejected ? which : clips.map((entry) => entry.task);
    const what = rejected ? `${clipsOf(clips.length, "rejected ")}` : clipsOf(clips.length);
    return await startRun(
      `Render ${what} again?`,
      { again: again3 },
      clips,
      "The present clips are kept, in superseded/."
    );
  }
  async function runRest() {
    return await startRun("Run what is left?", {}, []);
  }
  async function retry(which) {
    const title = which === "failed" ? "Try again what has failed?" : "Render again what is missing?";
    return await startRun(title, { retry: [which] }, []);
  }
  async function startRun(title, request, clips, note2) {
    const started = await askFirst({
      title,
      yes: "Start the run",
      body: async () => priced(await get(`price${query(request)}`), clips, note2),
      act: async () => await post("run", request)
    });
    if (started) {
      say("The run is starting.");
    }
    return started;
  }
  function query(request) {
    const asked2 = new URLSearchParams();
    for (
      const name2 of
      /** @type {const} */
      ["again", "retry"]
    ) {
      for (const value of [request[name2] ?? []].flat()) {
        asked2.append(name2, value);
      }
    }
    return asked2.size ? `?${asked2}` : "";
  }
  function priced(told2, clips, note2) {
    const tasks = count(Array.isArray(told2.tasks) ? told2.tasks.length : told2.tasks);
    const skipped = count(Array.isArray(told2.kept_skipped) ? told2.kept_skipped.length : told2.kept_skipped);
    if (!tasks) {
      throw new Error(skipped ? `there is nothing to render: ${kept(skipped)}` : "there is nothing to render");
    }
    const price = told2.price === null || told2.price === void 0 ? "at a price that is not known" : `for about ${money(amount(told2.price))}`;
    const shown2 = skipped ? clips.filter((entry) => entry.verdict !== "kept") : clips;
    const left = shown2.length - SHOWN;
    return [
      make("p", {}, make("strong", {}, `${clipsOf(tasks)} ${tasks === 1 ? "is" : "are"} rendered ${price}.`)),
      shown2.length ? make(
        "ul",
        { class: "question-clips" },
        ...shown2.slice(0, SHOWN).map((entry) => make("li", { dir: "auto" }, brief(titled(entry), 90))),
        left > 0 ? make("li", { class: "soft" }, `and ${number(left)} more`) : null
      ) : null,
      make(
        "p",
        { class: "soft" },
        [skipped ? `${sentenceCase(kept(skipped))}.` : "", tasks && note2 ? note2 : ""].filter(Boolean).join(" ")
      )
    ];
  }
  function kept(skipped) {
    return skipped === 1 ? "one is kept, and stays as it is" : `${number(skipped)} are kept, and stay as they are`;
  }
  function sentenceCase(text3) {
    return text3.charAt(0).toUpperCase() + text3.slice(1);
  }
  function clipsOf(amountOf, kind = "") {
    return `${number(amountOf)} ${kind}${amountOf === 1 ? "clip" : "clips"}`;
  }

  // src/pace.js
  var MINUTES = 10;
  var STEPS = 20;
  var WIDTH = 80;
  var HEIGHT = 18;
  var at = 0;
  var counts = [];
  function sparkline(now) {
    if (Math.abs(now - at) >= 1) {
      at = now;
      counts = arrivals(now);
    }
    const most = Math.max(...counts);
    if (!most) {
      return [];
    }
    const first = counts.findIndex(Boolean);
    const minutes = (STEPS - first) * MINUTES / STEPS;
    const rate = counts.reduce((sum2, each2) => sum2 + each2, 0) / minutes;
    const words2 = `${number(Number(rate.toFixed(rate < 10 ? 1 : 0)))} a minute`;
    const picture2 = draw("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      "aria-hidden": "true"
    });
    const step = WIDTH / STEPS;
    picture2.append(
      ...counts.map((each2, place2) => {
        const height = each2 ? Math.max(1.5, each2 / most * HEIGHT) : 1;
        return draw("rect", {
          x: place2 * step,
          y: HEIGHT - height,
          width: step - 1,
          height,
          class: each2 ? "bar-on" : "bar-off"
        });
      })
    );
    return [picture2, make("span", { title: `In the last ${MINUTES} minutes` }, words2)];
  }
  function shares({ counts: { total, succeeded, failed, in_doubt: doubt2 } }) {
    const picture2 = draw("svg", {
      class: "shares",
      viewBox: "0 0 100 6",
      preserveAspectRatio: "none",
      "aria-hidden": "true"
    });
    let x = 0;
    for (
      const [kind, many] of
      /** @type {[string, number][]} */
      [
        ["succeeded", succeeded],
        ["failed", failed],
        ["in-doubt", doubt2]
      ]
    ) {
      const width = total ? Math.min(100 * many / total, 100 - x) : 0;
      if (width > 0) {
        picture2.append(draw("rect", { class: kind, x, y: 0, width, height: 6 }));
        x += width;
      }
    }
    return picture2;
  }
  function arrivals(now) {
    const found2 = new Array(STEPS).fill(0);
    const since = new Date((now - MINUTES * 60) * 1e3).toISOString().slice(0, 19);
    for (const { status, finished_at: finished2 } of entries) {
      if (status === "succeeded" && finished2 && finished2 >= since) {
        const ago = now - Date.parse(finished2) / 1e3;
        const place2 = STEPS - 1 - Math.floor(Math.max(ago, 0) * STEPS / (MINUTES * 60));
        if (place2 >= 0) {
          found2[place2] += 1;
        }
      }
    }
    return found2;
  }

  // src/control.js
  var state = null;
  var dot = make("span", { class: "dot", "aria-hidden": "true" });
  var word = make("strong", { class: "state-word" }, "Connecting…");
  var detail = make("span", { class: "state-detail" });
  var progress2 = make("span", { class: "live-progress" });
  var reading = make("span", { class: "live-reading" });
  var pace = make("span", { class: "pace" });
  var amounts = make("dl", { class: "live-figures" });
  var connection = make("p", { class: "live-note", role: "status" });
  var trouble = make("p", { class: "live-note fault", role: "status" });
  var fault = make("p", { class: "live-note fault", role: "alert" });
  var pause = button(
    "Pause",
    () => {
      void control(state?.state === "paused" ? "resume" : "pause");
    },
    { class: "quiet slim" }
  );
  var stop = button(
    "Stop…",
    () => {
      void askToStop();
    },
    { class: "quiet slim" }
  );
  var run = button(
    "Run what is left…",
    () => {
      void runRest();
    },
    { class: "quiet slim" }
  );
  var again = button(
    "",
    () => {
      void startAgain("rejected");
    },
    { class: "quiet slim" }
  );
  var settings = [
    setting("concurrency", "At most in flight", {
      type: "number",
      min: 1,
      max: 2e3,
      step: 1,
      inputmode: "numeric"
    }),
    setting("rate", "Rate", { type: "text", placeholder: "none", autocomplete: "off", spellcheck: "false" }),
    setting("budget", "Budget, US$", {
      type: "text",
      placeholder: "none",
      inputmode: "decimal",
      autocomplete: "off"
    })
  ];
  var controls = make("details", { class: "controls" });
  function startControl() {
    const reloadFault = make("p", { class: "fault", role: "alert" });
    const reload2 = button(
      "Reload the job file",
      () => {
        void control("reload", void 0, reloadFault);
      },
      { class: "quiet slim" }
    );
    controls.append(
      make("summary", { class: "quiet slim" }, "Controls"),
      make(
        "div",
        { class: "controls-panel" },
        ...settings.map((each2) => each2.form),
        make("div", { class: "setting" }, reload2, reloadFault)
      )
    );
    controls.addEventListener("keydown", (event2) => {
      if (event2.key === "Escape" && controls.open) {
        controls.open = false;
        find("summary", controls).focus();
      }
      event2.stopPropagation();
    });
    document.addEventListener("pointerdown", (event2) => {
      if (event2.target instanceof Node && !controls.contains(event2.target)) {
        controls.open = false;
      }
    });
    const bar2 = find("#live");
    bar2.setAttribute("role", "region");
    bar2.setAttribute("aria-label", "The run");
    const others2 = job?.live?.jobs ?? 1;
    bar2.append(
      ...others2 > 1 ? [make("a", { href: "../", class: "all-jobs" }, `All ${number(others2)} jobs`)] : [],
      make("p", { class: "live-state" }, dot, word, " ", detail),
      make("div", { class: "live-middle" }, progress2, reading, pace),
      amounts,
      make("p", { class: "live-buttons" }, pause, stop, run, again),
      controls,
      connection,
      trouble,
      fault,
      log
    );
    for (const each2 of [pause, stop, run, again, controls]) {
      each2.hidden = true;
    }
    bar2.hidden = false;
    on("entries", showButtons);
    on("said", showButtons);
  }
  function showState(now) {
    const before2 = state?.state;
    state = now;
    find("#live").dataset.state = now.state;
    put(word, stateWord(now));
    put(detail, stateDetail(now));
    detail.title = now.detail ?? "";
    progress2.replaceChildren(shares(now));
    put(reading, progressWords(now));
    amounts.replaceChildren(
      ...figures(now).map(
        ([name2, value, kind]) => make("div", { class: kind }, make("dt", {}, name2), make("dd", {}, value))
      )
    );
    pace.replaceChildren(...now.running ? sparkline(now.now) : []);
    showButtons();
    for (const each2 of settings) {
      const stands = now[each2.action];
      if (!each2.dirty && document.activeElement !== each2.input) {
        each2.input.value = stands === null || stands === void 0 ? "" : String(stands);
      }
    }
    if (before2 && before2 !== now.state) {
      say([stateWord(now), stateDetail(now)].filter(Boolean).join(": "));
    }
  }
  function showConnection(words2) {
    put(connection, words2);
    find("#live").toggleAttribute("data-away", Boolean(words2));
  }
  function showFault(words2) {
    put(trouble, words2);
  }
  function showButtons() {
    if (!state) {
      return;
    }
    const { running, counts: counts2, accepted } = state;
    const rejected = entries.filter(
      (entry) => entry.verdict === "rejected" && entry.status === "succeeded"
    ).length;
    pause.hidden = !running || state.state === "stopping";
    put(pause, state.state === "paused" ? "Resume" : "Pause");
    stop.hidden = !running || state.state === "stopping";
    controls.hidden = !running;
    run.hidden = running || !(counts2.pending + accepted);
    again.hidden = running || !rejected;
    put(again, `Render ${number(rejected)} rejected again…`);
  }
  async function askToStop() {
    const flight = state?.in_flight ?? 0;
    await askFirst({
      title: "Stop the run?",
      body: () => [
        make(
          "p",
          {},
          flight ? `Nothing new is sent. ${flight === 1 ? "The request in flight ends and is" : `The ${number(flight)} requests in flight end and are`} saved.` : "Nothing new is sent."
        ),
        make("p", { class: "soft" }, "What is left is rendered when the job is run again.")
      ],
      yes: "Stop the run",
      act: async () => await post("control", { action: "stop" })
    });
  }
  async function control(action, value, where = fault) {
    put(where, "");
    try {
      const told2 = await post("control", value === void 0 ? { action } : { action, value });
      const warnings = Array.isArray(told2.warnings) ? told2.warnings : [];
      say([told2.changed, ...warnings].filter((each2) => typeof each2 === "string").join(". ") || "Done.");
      return true;
    } catch (error) {
      put(where, sentence(error));
      return false;
    }
  }
  function setting(action, label2, attributes) {
    const input = make("input", { id: `set-${action}`, "aria-describedby": `fault-${action}`, ...attributes });
    const wrong = make("p", { class: "fault", id: `fault-${action}`, role: "alert" });
    const form = make(
      "form",
      { class: "setting", novalidate: true },
      make("label", { for: `set-${action}` }, label2),
      input,
      make("button", { type: "submit", class: "quiet slim", "aria-label": `Set: ${label2}` }, "Set"),
      wrong
    );
    const made2 = { action, input, fault: wrong, form, dirty: false };
    input.addEventListener("input", () => {
      made2.dirty = true;
    });
    form.addEventListener("submit", async (event2) => {
      event2.preventDefault();
      const typed = input.value.trim();
      const value = typed === "" ? "none" : Number.isFinite(Number(typed)) ? Number(typed) : typed;
      if (await control(action, value, wrong)) {
        made2.dirty = false;
      }
      input.toggleAttribute("aria-invalid", Boolean(wrong.textContent));
    });
    return made2;
  }
  function put(element, text3) {
    if (element.textContent !== text3) {
      element.textContent = text3;
    }
  }

  // src/settling.js
  var SHOWN2 = 50;
  var WORDS = {
    billed: [
      "It was charged",
      "was charged?",
      "It counts as spent, and is not sent again unless you ask for it."
    ],
    not_billed: [
      "It was not charged",
      "was not charged?",
      "It counts as free, and the next run sends it again, at its price."
    ]
  };
  var filled = /* @__PURE__ */ new WeakMap();
  function fillDo(container, { block, command, entries: entries2 }) {
    const told2 = JSON.stringify([
      block,
      command,
      entries2.map(({ task: task2, at_risk, prompt }) => [task2, at_risk, prompt])
    ]);
    if (filled.get(container) !== told2) {
      filled.set(container, told2);
      const fits = block !== "in_doubt" || !command || !command.includes("in-doubt");
      container.replaceChildren(...fits && DO[block]?.(entries2) || []);
    }
  }
  var DO = {
    failed: () => [line(button("Try again…", () => void retry("failed"), { class: "quiet" }))],
    missing: () => [line(button("Render again…", () => void retry("missing"), { class: "quiet" }))],
    pending: () => [rest()],
    accepted: () => [rest()],
    saved: () => [rest()],
    in_doubt: doubts
  };
  function line(...children) {
    return make("p", { class: "do-line" }, ...children);
  }
  function rest() {
    return line(
      button(
        "Run what is left…",
        () => {
          void runRest();
        },
        { class: "quiet" }
      )
    );
  }
  function doubts(entries2) {
    const fault2 = make("p", { class: "fault", role: "alert" });
    const ask2 = button(
      "Ask the provider",
      async () => {
        ask2.disabled = true;
        fault2.textContent = "";
        try {
          await post("settle", {});
          say("The provider is asked.");
        } catch (error) {
          fault2.textContent = sentence(error);
        }
        ask2.disabled = false;
      },
      { class: "quiet" }
    );
    const list2 = make("ul", { class: "doubts", role: "list" }, ...entries2.slice(0, SHOWN2).map(doubt));
    const more = entries2.length - SHOWN2;
    return [
      line(ask2, make("span", { class: "soft" }, "Free. Or say what the account's page says of each:")),
      fault2,
      list2,
      ...more > 0 ? [make("p", { class: "soft" }, `and ${number(more)} more: filter them, or say it of these first.`)] : []
    ];
  }
  function doubt(entry) {
    const name2 = brief(titled(entry), 90);
    const say1 = (word3) => button(
      `${WORDS[word3][0]}…`,
      () => {
        void settle(entry, word3);
      },
      {
        class: "quiet slim",
        "aria-label": `${WORDS[word3][0]}: ${name2}`
      }
    );
    return make(
      "li",
      { "data-task": entry.task },
      make("span", { class: "doubt-name", dir: "auto" }, name2),
      make("span", { class: "doubt-price" }, entry.at_risk ? money(entry.at_risk) : ""),
      say1("billed"),
      say1("not_billed")
    );
  }
  async function settle(entry, word3) {
    const [label2, question, effect] = WORDS[word3];
    const said3 = await askFirst({
      title: `${entry.at_risk ? money(entry.at_risk) : "This clip"} ${question}`,
      body: () => [
        make("p", { dir: "auto" }, brief(titled(entry), 200)),
        make("p", { class: "soft" }, `${effect} A word is said once; a second one is refused.`)
      ],
      yes: label2,
      act: async () => await post("settle", { tasks: [entry.task], word: word3 })
    });
    if (said3) {
      say(`${label2}: noted.`);
    }
  }

  // src/live.js
  var PATIENCE = 2e3;
  var RETRY = 4e3;
  var PAUSE = 4;
  var news = /* @__PURE__ */ new Map();
  var words = /* @__PURE__ */ new Map();
  var planned = false;
  var away = 0;
  var wasAway = false;
  var loading = null;
  var stale = false;
  var after = job?.live?.after ?? "";
  function startLive() {
    startControl();
    void reload();
    listen();
  }
  function extendBlock(container, doing2) {
    if (isLive) {
      fillDo(container, doing2);
    }
  }
  function listen() {
    const source = new EventSource(`${base}events${after ? `?after=${encodeURIComponent(after)}` : ""}`);
    const hear = (kind, heard) => {
      source.addEventListener(kind, (event2) => {
        const told2 = parsed(event2.data);
        if (told2 !== void 0) {
          heard(told2);
        }
      });
    };
    hear("entries", (told2) => {
      for (const entry of readEntries(told2)) {
        news.set(entry.task, entry);
      }
      plan();
    });
    hear("said", (told2) => {
      for (const word3 of readSaid(told2)) {
        words.set(`${word3.task}
${word3.sha256}`, word3);
      }
      plan();
    });
    hear("state", hearState);
    hear("reload", () => {
      void reload();
    });
    hear("action", hearAction);
    source.addEventListener("open", () => {
      clearTimeout(away);
      away = 0;
      showConnection("");
      if (wasAway) {
        wasAway = false;
        void reload();
      }
    });
    source.addEventListener("error", () => {
      wasAway = true;
      away ||= setTimeout(() => {
        showConnection(`${AWAY}. The page connects again by itself.`);
      }, PATIENCE);
      if (source.readyState === EventSource.CLOSED) {
        source.close();
        void askWhy();
        setTimeout(listen, RETRY);
      }
    });
  }
  async function askWhy() {
    try {
      await get("data");
    } catch (error) {
      clearTimeout(away);
      showConnection(
        error instanceof Refused && error.status === 401 ? `${OVER}: ${HOW_BACK}.` : `${AWAY}. The page connects again by itself.`
      );
    }
  }
  function parsed(text3) {
    try {
      return JSON.parse(text3);
    } catch {
      return void 0;
    }
  }
  async function reload() {
    stale = true;
    loading ??= load().finally(() => {
      loading = null;
    });
    await loading;
  }
  async function load() {
    while (stale) {
      stale = false;
      try {
        const told2 = await get("data");
        news.clear();
        if (Array.isArray(told2.entries)) {
          replaceAll(readEntries(told2.entries));
        }
        hearState(told2.state);
        for (const action of objects(told2.actions)) {
          hearAction(action);
        }
        after = typeof told2.after === "string" ? told2.after : "";
      } catch (error) {
        if (error instanceof Refused && error.status > 0) {
          showFault(error.message);
        }
        return;
      }
    }
  }
  function hearState(told2) {
    const state2 = readState(told2);
    if (typeof told2?.error === "string") {
      showFault([told2.error, told2.hint].filter((each2) => typeof each2 === "string").join(": "));
    } else if (state2) {
      showFault("");
      showState(state2);
    }
  }
  function hearAction(told2) {
    const action = readAction(told2);
    if (action) {
      showAction(action);
    }
  }
  function plan() {
    if (!planned) {
      planned = true;
      requestAnimationFrame(takeIn);
    }
  }
  function takeIn() {
    const began = performance.now();
    const changed = [...news.values()].filter((entry) => differs(entry, byTask.get(entry.task)));
    const said3 = [...words.values()];
    news.clear();
    words.clear();
    const back = focused();
    if (changed.length) {
      merge(changed);
    }
    if (said3.length) {
      take(said3);
    }
    back();
    setTimeout(
      () => {
        planned = false;
        if (news.size || words.size) {
          plan();
        }
      },
      PAUSE * (performance.now() - began)
    );
  }
  function focused() {
    const element = document.activeElement;
    const home = element?.closest("[data-task]");
    if (!(element instanceof HTMLElement) || !home) {
      return () => {
      };
    }
    const task2 = CSS.escape(home.getAttribute("data-task") ?? "");
    const place2 = [home, ...home.querySelectorAll("a, button, input, textarea, [tabindex]")].indexOf(element);
    return () => {
      if (!element.isConnected) {
        const again3 = document.querySelector(`[data-task="${task2}"]`);
        const found2 = again3 && [again3, ...again3.querySelectorAll("a, button, input, textarea, [tabindex]")][place2];
        if (found2 instanceof HTMLElement) {
          found2.focus({ preventScroll: true });
        }
      }
    };
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
  async function judge(clips, word3) {
    const meant2 = clips.filter((entry) => entry.sha256 && entry.status === "succeeded");
    if (!meant2.length) {
      return;
    }
    undone.unshift(meant2.map(before));
    undone.length = Math.min(undone.length, MOST_UNDONE);
    await tell(meant2, word3);
  }
  function before(entry) {
    return { entry, verdict: entry.verdict ?? null, note: entry.note ?? "" };
  }
  function undo() {
    const last = (undone.shift() ?? []).filter(({ entry }) => byTask.get(entry.task)?.sha256 === entry.sha256);
    const alike = /* @__PURE__ */ new Map();
    for (const each2 of last) {
      const key = JSON.stringify([each2.verdict, each2.note]);
      alike.set(key, [...alike.get(key) ?? [], each2]);
    }
    const clips = [];
    for (const some of alike.values()) {
      const those = some.map(({ entry }) => byTask.get(entry.task) ?? entry);
      void tell(those, { verdict: some[0]?.verdict, note: some[0]?.note });
      clips.push(...those);
    }
    return clips;
  }
  async function tell(clips, word3) {
    const note2 = word3.note === void 0 ? void 0 : wellFormed(word3.note.trim()).slice(0, LONGEST_NOTE);
    const words2 = clips.map((entry) => said(entry, { ...word3, note: note2 }));
    if (isLive) {
      await send(clips, words2, { ...word3, note: note2 });
    } else {
      keep(words2);
      take(words2);
    }
  }
  function said(entry, word3) {
    return {
      task: entry.task,
      verdict: word3.verdict === void 0 ? entry.verdict ?? null : word3.verdict,
      note: (word3.note === void 0 ? entry.note : word3.note) || null,
      sha256: entry.sha256 ?? "",
      by: null,
      at: isLive ? entry.at ?? "" : later(entry.at)
    };
  }
  function later(at2) {
    const then = at2 ? Date.parse(at2) : Number.NaN;
    return new Date(Math.max(Date.now(), Number.isNaN(then) ? 0 : then + 1)).toISOString();
  }
  function wellFormed(text3) {
    return text3.replace(/\p{Surrogate}/gu, "�");
  }
  async function send(clips, words2, word3) {
    const was = clips.map((entry) => said(entry, {}));
    const tasks = clips.map((entry) => entry.task);
    hold(tasks, 1);
    take(words2, true);
    const sha256 = Object.fromEntries(clips.map((entry) => [entry.task, entry.sha256]));
    const request = { tasks, ...word3, sha256 };
    sending = sending.then(async () => {
      try {
        const answer = await post("verdicts", request);
        hold(tasks, -1);
        take(answer.said ?? []);
      } catch (error) {
        hold(tasks, -1);
        take(was);
        toast(`Not recorded: ${error instanceof Error ? error.message : error}`, "fault");
      }
    });
    await sending;
  }
  function keyOf(word3) {
    return `${word3.sha256} ${word3.task}`;
  }
  function keep(words2) {
    for (const word3 of words2) {
      mine.set(keyOf(word3), word3);
      unsaved.add(keyOf(word3));
    }
    store();
  }
  function store() {
    const kept2 = remember(
      KEY,
      mine.size ? JSON.stringify({ words: [...mine.values()], unsaved: [...unsaved] }) : ""
    );
    saveButton.classList.toggle("volatile", !kept2);
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
    const open3 = new Set(Array.isArray(there.unsaved) ? there.unsaved : []);
    for (const word3 of Array.isArray(there.words) ? there.words.filter(isSaid) : []) {
      const entry = byTask.get(word3.task);
      if (!(entry?.sha256 === word3.sha256 && entry?.at && Date.parse(entry.at) >= Date.parse(word3.at))) {
        mine.set(keyOf(word3), word3);
        if (open3.has(keyOf(word3))) {
          unsaved.add(keyOf(word3));
        }
      }
    }
    take([...mine.values()]);
  }
  function isSaid(word3) {
    return typeof word3?.task === "string" && /^[0-9a-f]{64}$/.test(word3.sha256) && [null, "kept", "rejected"].includes(word3.verdict) && (word3.note === null || typeof word3.note === "string") && !Number.isNaN(Date.parse(word3.at));
  }
  function lines(by) {
    const words2 = [...mine.values()].map(({ task: task2, verdict, note: note2, sha256, at: at2 }) => ({
      task: task2,
      verdict,
      note: note2,
      sha256,
      by: by || null,
      at: at2
    }));
    return words2.map((word3, place2) => `${JSON.stringify(place2 ? word3 : { ...word3, format: job?.format })}
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
    const { kept: kept2, rejected, notes } = counted();
    const told2 = `${number(kept2)} kept, ${number(rejected)} rejected, ${number(notes)} with a note.`;
    const dialog2 = openDialog("Save picks", [make("p", {}, told2), form, ...next]);
    field2.select();
    form.addEventListener("submit", () => {
      const by = wellFormed(field2.value.trim()).slice(0, LONGEST_NAME);
      remember("by", by);
      download(by);
      dialog2.close();
    });
  }
  function counted() {
    const words2 = [...mine.values()];
    return {
      kept: words2.filter((word3) => word3.verdict === "kept").length,
      rejected: words2.filter((word3) => word3.verdict === "rejected").length,
      notes: words2.filter((word3) => word3.note).length
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
    const address2 = URL.createObjectURL(new Blob([lines(by)], { type: "application/x-ndjson" }));
    const link = make("a", { href: address2, download: fileName() });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address2), 6e4);
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
    const all2 = posts.get(entry.post) ?? [entry];
    const there = known.get(all2) ?? placesOf(all2);
    known.set(all2, there);
    return there.get(entry) ?? { variant: "", take: 1, takes: 1 };
  }
  function placesOf(all2) {
    const names = [...new Set(all2.flatMap((entry) => Object.keys(entry.params)))].filter(
      (name2) => name2 !== "seed" && new Set(all2.map((entry) => plain(entry.params[name2] ?? ""))).size > 1
    );
    const alike = /* @__PURE__ */ new Map();
    for (const entry of all2) {
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
  function plan2(entry) {
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
        ...post2.entries.map((each2) => `${each2.task} ${each2.verdict}`)
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
      const word3 = (verdict, label2) => button("", () => void judge([entry], { verdict: entry.verdict === verdict ? null : verdict }), {
        class: `word ${verdict}`,
        "aria-label": label2,
        title: label2,
        tabindex: "-1"
      });
      return make("div", { class: "judging" }, word3("kept", "Keep"), word3("rejected", "Reject"));
    }
    /**
     * @param {Post} post
     * @param {Entry} entry
     */
    #lines(post2, entry) {
      const told2 = plan2(entry);
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
          told2.length ? told2.join(" · ") : entry.own_id ?? entry.file ?? ""
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
      const variants = [...new Set(post2.entries.map((each2) => placeOf(each2).variant))];
      const takes = post2.entries.filter((each2) => placeOf(each2).variant === here.variant);
      const to = (other, label2, spoken, verdict = other.verdict ?? "") => button(label2, () => this.gallery.choose(this.post, other.task), {
        class: `switch ${verdict}`,
        tabindex: "-1",
        "aria-label": spoken,
        "aria-pressed": String(other === entry)
      });
      const ratios = variants.map((variant) => {
        const there = post2.entries.filter((each2) => placeOf(each2).variant === variant);
        const other = there.find((each2) => placeOf(each2).take === here.take) ?? there[0] ?? entry;
        return to(
          variant === here.variant ? entry : other,
          brief(variant, 14),
          variant,
          takes.length > 1 ? "" : void 0
        );
      });
      const numbers = takes.map((each2) => to(each2, String(placeOf(each2).take), `Take ${placeOf(each2).take}`));
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
    draw3(entry, isOther);
    if (!dialog.open) {
      dialog.showModal();
    }
    if (isOther) {
      dialog.scrollTop = 0;
      find(".detail-text", dialog).scrollTop = 0;
    }
  }
  function draw3(entry, isOther) {
    const clip = earlier ?? entry;
    const now = [task, clip.src, clip.sha256, entry.status, entry.missing].join("\n");
    const focused2 = document.activeElement;
    const by = focused2 instanceof HTMLElement && dialog.contains(focused2) ? focused2.dataset.focus : "";
    const written2 = noteField()?.value;
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
    if (by === "note" && !isOther && field2 && written2 !== void 0) {
      field2.value = written2;
    }
    if (by) {
      const again3 = dialog.querySelector(`[data-focus="${by}"]:not(:disabled)`) ?? dialog.querySelector("#detail-title");
      again3?.focus({ preventScroll: true });
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
    const told2 = plan2(entry);
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
      told2.length ? make("p", { class: "plan", dir: "auto" }, told2.join(" · ")) : "",
      entry.status === "succeeded" ? "" : trouble2(entry),
      ...entry.status === "succeeded" && entry.sha256 ? [verdicts(entry), note(entry)] : [],
      others(entry),
      actions2(entry),
      facts(entry)
    ];
  }
  function trouble2(entry) {
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
    const word3 = (verdict, label2, key) => {
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
      word3("kept", "Keep", "P"),
      word3("rejected", "Reject", "X"),
      word3(null, "Clear", "U"),
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
    for (const each2 of takes.slice(from, from + MOST_THUMBS)) {
      const label2 = clipName(each2) || "Now";
      list2.append(
        thumb(
          each2,
          label2,
          each2 === entry && !earlier,
          `${each2.verdict ?? ""}`,
          differences(entry, each2),
          () => show(each2, null)
        )
      );
    }
    for (const each2 of versions) {
      const label2 = `Earlier${each2.finished_at ? `, ${moment(each2.finished_at)}` : ""}`;
      list2.append(
        thumb(
          each2,
          label2,
          each2 === earlier,
          each2.verdict ?? "",
          differences(entry, each2),
          () => show(entry, each2)
        )
      );
    }
    return list2;
  }
  function show(entry, version) {
    earlier = version;
    if (entry.task === task) {
      draw3(entry, false);
    } else {
      openDetail(entry, around);
    }
  }
  function thumb(clip, label2, isShown2, verdict, differing2, pressed2) {
    const element = button("", pressed2, {
      class: `other ${verdict}`,
      "aria-pressed": String(isShown2),
      "data-focus": `other ${label2}`,
      title: differing2.join("\n") || null
    });
    element.append(
      clip.poster ? make("img", { src: clip.poster, alt: "", decoding: "async", loading: "lazy" }) : make("span", { class: "no-picture", "aria-hidden": "true" }, "▷"),
      make("span", { class: "label", dir: "auto" }, label2),
      verdict ? make("span", { class: `mark ${verdict}` }, VERDICT[verdict] ?? "") : "",
      ...differing2.slice(0, MOST_DIFFERENCES).map((each2) => make("span", { class: "difference", dir: "auto" }, brief(each2, 60)))
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
    const all2 = entry ? posts.get(entry.post) ?? [] : [];
    const next = entry && all2[nth ? nth - 1 : all2.indexOf(entry) + by];
    if (next) {
      show(next, null);
    }
  }
  function focusNote() {
    noteField()?.focus();
  }
  function actions2(entry) {
    const row3 = make("p", { class: "actions" });
    if (entry.prompt) {
      row3.append(copier("Copy prompt", entry.prompt));
    }
    if (entry.caption) {
      row3.append(copier("Copy caption", entry.caption));
    }
    if (entry.src && entry.status === "succeeded" && !entry.missing && !entry.small) {
      row3.append(
        make(
          "a",
          { href: (earlier ?? entry).src, class: "quiet", target: "_blank", rel: "noopener" },
          "Open the file"
        )
      );
    }
    if (doing.again && entry.status === "succeeded") {
      row3.append(
        button("Render again", () => doing.again?.(entry), {
          class: "quiet",
          title: "Render again (r)",
          "data-focus": "again"
        })
      );
    }
    return row3;
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
    const words2 = {
      changed: " · changed in the job since",
      former: " · no longer in the job",
      accepted: " · waiting at the provider",
      saved: " · not in place yet"
    };
    return entry.standing ? words2[entry.standing] : "";
  }
  function takeOf(entry) {
    return clipName(entry) || null;
  }
  function closeDetail() {
    if (dialog.open) {
      dialog.close();
    }
  }

  // src/ics.js
  var LONGEST_LINE = 75;
  var LONGEST_SUMMARY = 75;
  var CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\p{Cs}/gu;
  var ENCODER = new TextEncoder();
  function said2(entry, name2) {
    return String(entry[name2] ?? entry.meta[name2] ?? "").trim();
  }
  async function calendarFile(job2, entries2) {
    const lines2 = [
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "PRODID:-//overnight-pipeline//export//EN",
      `X-WR-CALNAME:${escaped(job2)}`
    ];
    const before2 = /* @__PURE__ */ new Map();
    for (const post2 of postsOf(entries2)) {
      const task2 = post2.entries[0]?.task ?? "";
      const twins = before2.get(task2) ?? 0;
      before2.set(task2, twins + 1);
      lines2.push(...event(post2, await uid(job2, task2, twins)));
    }
    return [...lines2, "END:VCALENDAR", ""].flatMap((line3) => line3 ? folded(line3) : [""]).join("\r\n");
  }
  function postsOf(entries2) {
    const found2 = /* @__PURE__ */ new Map();
    for (const entry of entries2) {
      const [publish, channel, caption] = [
        said2(entry, "publish"),
        said2(entry, "channel"),
        said2(entry, "caption")
      ];
      if (entry.status !== "succeeded" || entry.standing || !readMoment(publish)) {
        continue;
      }
      const key = JSON.stringify([publish, channel, caption]);
      const post2 = found2.get(key) ?? { publish, channel, caption, entries: [] };
      post2.entries.push(entry);
      found2.set(key, post2);
    }
    return found2.values();
  }
  async function uid(job2, task2, before2) {
    const name2 = ENCODER.encode(`${job2}/${task2}${before2 ? `/${before2}` : ""}`);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", name2));
    return `${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 20)}@overnight-pipeline`;
  }
  function event(post2, name2) {
    const addresses = post2.entries.map(address).filter(Boolean);
    return [
      "BEGIN:VEVENT",
      `SUMMARY:${escaped(summary(post2))}`,
      start(post2.publish),
      `DTSTAMP:${stamp(new Date(Math.max(...post2.entries.map(finished))))}`,
      `UID:${name2}`,
      ...post2.caption ? [`DESCRIPTION:${escaped(post2.caption)}`] : [],
      ...addresses.map((each2) => `ATTACH:${each2}`),
      ...post2.channel ? [`CATEGORIES:${escaped(post2.channel)}`] : [],
      "TRANSP:TRANSPARENT",
      .../^https?:/.test(addresses[0] ?? "") ? [`URL:${addresses[0]}`] : [],
      "END:VEVENT"
    ];
  }
  function start(publish) {
    const when2 = readMoment(publish);
    if (!when2?.clock) {
      return `DTSTART;VALUE=DATE:${when2?.day.replaceAll("-", "")}`;
    }
    if (when2.zone === null) {
      return `DTSTART:${when2.day.replaceAll("-", "")}T${when2.clock.replaceAll(":", "")}`;
    }
    return `DTSTART:${stamp(new Date(Date.parse(`${when2.day}T${when2.clock}Z`) - when2.zone * 6e4))}`;
  }
  function stamp(moment2) {
    return moment2.toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
  }
  function finished(entry) {
    return Date.parse(entry.finished_at ?? "") || 0;
  }
  function summary(post2) {
    const first = (post2.caption || post2.entries[0]?.task || "").split("\n", 1)[0] ?? "";
    const letters2 = [...first];
    const words2 = letters2.length <= LONGEST_SUMMARY ? first : `${letters2.slice(0, LONGEST_SUMMARY - 1).join("")}…`;
    return post2.channel ? `${post2.channel}: ${words2}` : words2;
  }
  function address(entry) {
    const found2 = entry.src && URL.canParse(entry.src, document.baseURI) ? new URL(entry.src, document.baseURI) : null;
    return found2 && /^(https?|file):$/.test(found2.protocol) ? found2.href : "";
  }
  function escaped(text3) {
    return text3.replace(/\r\n?/g, "\n").replace(CONTROL, "�").replace(/[\\;,]/g, "\\$&").replaceAll("\n", "\\n");
  }
  function folded(line3) {
    const parts = [];
    let [part2, length] = ["", 0];
    for (const letter of line3) {
      const bytes = ENCODER.encode(letter).length;
      if (length + bytes > LONGEST_LINE) {
        parts.push(part2);
        [part2, length] = [" ", 1];
      }
      part2 += letter;
      length += bytes;
    }
    return [...parts, part2];
  }

  // src/posts.js
  var COLOURS = 8;
  var LETTERS = {
    facebook: "FB",
    instagram: "IG",
    linkedin: "LI",
    pinterest: "PI",
    snapchat: "SC",
    threads: "TH",
    tiktok: "TT",
    twitter: "TW",
    vimeo: "VI",
    x: "X",
    youtube: "YT"
  };
  var SYMBOL = { video: "▶", image: "▣", audio: "♪" };
  var SIGN = { kept: "✓", rejected: "✕" };
  function channels() {
    return [...new Set(entries.map((entry) => said2(entry, "channel")))].filter(Boolean).sort(natural);
  }
  function letters(channel) {
    const [first = "", second = ""] = channel.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    const made2 = second ? [...first].slice(0, 1).concat([...second].slice(0, 1)) : [...first].slice(0, 2);
    return LETTERS[channel.toLowerCase()] ?? (made2.join("").toUpperCase() || "?");
  }
  var known2 = { count: -1, places: /* @__PURE__ */ new Map() };
  function placeOf2(channel) {
    if (known2.count !== entries.length || !known2.places.has(channel)) {
      known2 = { count: entries.length, places: new Map(channels().map((name2, place2) => [name2, place2])) };
    }
    return known2.places.get(channel) ?? 0;
  }
  function channelMark(channel) {
    return make(
      "span",
      { class: `channel channel-${placeOf2(channel) % COLOURS}`, title: channel },
      make("span", { "aria-hidden": "true" }, letters(channel)),
      make("span", { class: "unseen" }, `${channel}: `)
    );
  }
  function marks2() {
    const names = channels();
    return names.length ? make(
      "ul",
      { class: "channels", role: "list", "aria-label": "Channels" },
      ...names.slice(0, 16).map(
        (name2) => make(
          "li",
          { dir: "auto" },
          channelMark(name2),
          make("span", { "aria-hidden": "true" }, brief(name2, 30))
        )
      )
    ) : null;
  }
  function item(found2, pressed2) {
    const lead = found2.entries.find((entry) => entry.status === "succeeded") ?? found2.entries[0];
    const { state: state2, word: word3 } = standing2(found2.entries);
    const element = make(
      "button",
      { type: "button", class: `event ${state2}`, "aria-haspopup": "dialog" },
      still2(lead)
    );
    element.addEventListener("click", pressed2);
    const label2 = make("span", { class: "label" });
    if (found2.channel) {
      label2.append(channelMark(found2.channel));
    }
    if (found2.time) {
      label2.append(make("span", { class: "time" }, `${found2.time} `));
    }
    const sign = SIGN[state2];
    if (sign) {
      label2.append(
        make("strong", { "aria-hidden": "true", title: word3 }, `${sign} `),
        make("span", { class: "unseen" }, word3)
      );
    } else if (word3) {
      label2.append(make("strong", {}, word3));
    }
    label2.append(make("span", { dir: "auto", class: "title" }, brief(headline(lead), 90)));
    if (found2.entries.length > 1) {
      label2.append(
        make(
          "span",
          { class: "many", title: "Ratios and takes of this post" },
          ` ×${number(found2.entries.length)}`
        )
      );
    }
    element.append(label2);
    return make("li", {}, element);
  }
  function headline(entry) {
    return entry ? said2(entry, "caption").split("\n", 1)[0] || titled(entry) : "";
  }
  function still2(entry) {
    const thumb2 = make("span", { class: "thumb" });
    const poster = entry?.poster ?? (entry?.kind === "image" && !entry.missing ? entry.src : void 0);
    if (entry?.status === "succeeded" && poster) {
      const image2 = make("img", { alt: "", loading: "lazy", decoding: "async", src: poster });
      image2.addEventListener("error", () => image2.replaceWith(placeholder(entry)));
      thumb2.append(image2);
    } else {
      thumb2.append(placeholder(entry));
    }
    return thumb2;
  }
  function placeholder(entry) {
    const symbol = entry?.status === "succeeded" ? SYMBOL[entry.kind ?? ""] ?? "▤" : "";
    return make("span", { class: `no-still ${entry?.status ?? ""}`, "aria-hidden": "true" }, symbol);
  }
  function standing2(entries2) {
    const done2 = entries2.filter((entry) => entry.status === "succeeded");
    for (
      const status of
      /** @type {const} */
      ["failed", "in_doubt", "pending"]
    ) {
      const count2 = entries2.filter((entry) => entry.status === status).length;
      if (count2) {
        const of = entries2.length > 1 ? ` ${number(count2)} of ${number(entries2.length)}` : "";
        return { state: status, word: `${STATUS[status]}${of}: ` };
      }
    }
    if (done2.some((entry) => entry.verdict === "kept")) {
      return { state: "kept", word: `${VERDICT.kept} ` };
    }
    return done2.length && done2.every((entry) => entry.verdict === "rejected") ? { state: "rejected", word: `${VERDICT.rejected} ` } : { state: "succeeded", word: "" };
  }

  // src/screen.js
  function screenOf(clip, label2, failed) {
    if (!clip.src || /** @type {Partial<import("./types").Entry>} */
    clip.missing) {
      return { screen: absent2(clip), player: null };
    }
    const element = made(clip, label2);
    if (!element) {
      return { screen: absent2(clip), player: null };
    }
    element.addEventListener("error", () => {
      if (element.hasAttribute("src")) {
        element.replaceWith(absent2(clip));
        failed();
      }
    });
    element.setAttribute("src", clip.src);
    return { screen: element, player: element instanceof HTMLMediaElement ? element : null };
  }
  function made(clip, label2) {
    if (clip.kind === "image") {
      return make("img", { alt: label2, decoding: "async" });
    }
    if (clip.kind !== "audio" && clip.kind !== "video") {
      return null;
    }
    const player2 = make(clip.kind, { preload: "auto", "aria-label": label2 });
    if (player2 instanceof HTMLVideoElement) {
      player2.playsInline = true;
      player2.disableRemotePlayback = true;
      player2.poster = clip.poster ?? "";
      player2.addEventListener("loadeddata", () => {
        player2.poster = "";
      });
    }
    player2.muted = true;
    return player2;
  }
  function absent2(clip) {
    return make(
      "div",
      { class: "cannot" },
      make("strong", {}, "Cannot be played here"),
      make(
        "span",
        {},
        clip.file ? `${clip.file} is not beside this page, or this browser cannot show it.` : "No file was recorded."
      )
    );
  }

  // src/reel.js
  var STILL = 3;
  var KEYS = "Space play · ← → clip · P keep · X reject · U clear · M sound · Esc close";
  var open = null;
  function openReel(entries2) {
    open?.close();
    open = new Reel(entries2);
  }
  on("said", () => open?.showWords());
  on("entries", () => open?.showWords());
  function hasClip(entry) {
    return entry.status === "succeeded" && !entry.missing && Boolean(entry.src);
  }
  function dated2(entry) {
    const when2 = published(entry);
    return when2 ? `${when2.day} ${when2.time}` : "9999";
  }
  var Reel = class {
    /** @type {Slot | null} */
    #now = null;
    /** @type {Slot | null} */
    #next = null;
    #place = 0;
    #playing = true;
    #sound = false;
    #kept = false;
    #byDate = false;
    #skipped = 0;
    /** How long a still has been shown, and since when. */
    #shownFor = 0;
    #since = 0;
    #frame = 0;
    #back = comeback();
    #dialog = make("dialog", { class: "theatre reel", "aria-label": "Reel" });
    #stage = make("div", { class: "reel-stage", tabindex: "-1", role: "group", "aria-label": "The clip" });
    #caption = make("div", { class: "reel-caption" });
    #progress = make("progress", {
      class: "reel-progress",
      max: 1,
      value: 0,
      "aria-label": "How much of the reel was shown"
    });
    #where = make("span", { class: "where" });
    #acts = make("span", { class: "side-acts" });
    #status = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
    #tell = announcer(this.#status, 50);
    #play = button("Pause", () => this.#toggle(), { class: "quiet transport-play" });
    #mute = button("Sound", () => this.#setSound(), { class: "quiet", "aria-pressed": "false" });
    /** @param {Entry[]} entries */
    constructor(entries2) {
      this.all = entries2;
      this.list = [];
      this.#build();
      document.body.append(this.#dialog);
      this.#dialog.showModal();
      this.#stage.focus({ preventScroll: true });
      this.#order();
    }
    close() {
      this.#dialog.close();
    }
    #build() {
      const kept2 = button(
        "Kept only",
        () => {
          this.#kept = !this.#kept;
          kept2.setAttribute("aria-pressed", String(this.#kept));
          this.#order();
        },
        { class: "quiet", "aria-pressed": "false" }
      );
      const order2 = make(
        "select",
        { "aria-label": "Order" },
        make("option", { value: "" }, "As listed"),
        make("option", { value: "date" }, "By date")
      );
      order2.addEventListener("change", () => {
        this.#byDate = order2.value === "date";
        this.#order();
      });
      this.#stage.append(this.#caption);
      this.#dialog.append(
        make(
          "div",
          { class: "theatre-bar" },
          make("h2", {}, "Reel"),
          kept2,
          order2,
          button("Close", () => this.close(), { class: "quiet" })
        ),
        this.#stage,
        this.#progress,
        make(
          "div",
          { class: "reel-foot" },
          button("‹", () => this.#go(-1), { class: "quiet", "aria-label": "Previous clip" }),
          this.#play,
          button("›", () => this.#go(1), { class: "quiet", "aria-label": "Next clip" }),
          this.#mute,
          this.#where,
          this.#acts
        ),
        make("p", { class: "hint" }, KEYS),
        this.#status
      );
      this.#dialog.addEventListener("keydown", (event2) => this.#key(event2));
      this.#dialog.addEventListener("click", (event2) => {
        if (event2.detail && this.#dialog.open && !/** @type {Element} */
        event2.target.matches("select")) {
          this.#stage.focus({ preventScroll: true });
        }
      });
      this.#dialog.addEventListener("close", () => this.#closed());
    }
    #closed() {
      cancelAnimationFrame(this.#frame);
      this.#drop(this.#now);
      this.#drop(this.#next);
      this.#dialog.remove();
      open = open === this ? null : open;
      this.#back();
    }
    // What is shown stays the same while it plays, whatever is said of the clips meanwhile.
    #order() {
      const wanted2 = this.all.map((entry) => byTask.get(entry.task) ?? entry).filter((entry) => !this.#kept || entry.verdict === "kept");
      this.list = wanted2.filter(hasClip);
      this.#skipped = wanted2.length - this.list.length;
      if (this.#byDate) {
        this.list.sort((one, other) => natural(dated2(one), dated2(other)));
      }
      this.#show(0);
    }
    /** @param {number} by */
    #go(by) {
      this.#show(Math.min(Math.max(0, this.#place + by), this.list.length));
    }
    /** @param {number} place */
    #show(place2) {
      this.#place = place2;
      const entry = this.list[place2];
      const ready = entry && this.#next?.entry === entry ? this.#next : null;
      if (!ready) {
        this.#drop(this.#next);
      }
      this.#next = null;
      this.#drop(this.#now);
      this.#now = entry ? ready ?? this.#slot(entry) : null;
      this.#shownFor = 0;
      this.#since = performance.now();
      if (this.#now) {
        this.#now.element.classList.remove("waiting");
        this.#start();
        const after2 = this.list[place2 + 1];
        if (after2) {
          this.#next = this.#slot(after2);
          this.#next.element.classList.add("waiting");
        }
      }
      this.showWords();
      cancelAnimationFrame(this.#frame);
      this.#tick();
    }
    /** @param {Entry} entry @returns {Slot} */
    #slot(entry) {
      const slot = { entry, element: make("div", { class: "reel-slot" }), player: null, broken: false };
      const { screen, player: player2 } = screenOf(entry, brief(titled(entry)), () => {
        slot.broken = true;
        if (slot === this.#now) {
          this.#skip();
        }
      });
      slot.player = player2;
      slot.element.append(screen);
      player2?.addEventListener("ended", () => {
        if (slot === this.#now) {
          this.#go(1);
        }
      });
      this.#stage.prepend(slot.element);
      return slot;
    }
    /** @param {Slot | null} slot */
    #drop(slot) {
      slot?.player?.pause();
      slot?.player?.removeAttribute("src");
      slot?.player?.load();
      slot?.element.remove();
    }
    #skip() {
      this.#skipped += 1;
      this.#tell(
        `${brief(titled(this.#now?.entry ?? /** @type {any} */
        {}), 60)} cannot be played: skipped.`
      );
      this.#go(1);
    }
    #start() {
      const slot = this.#now;
      if (slot?.broken) {
        this.#skip();
        return;
      }
      this.#since = performance.now();
      if (slot?.player) {
        slot.player.muted = !this.#sound;
        if (this.#playing) {
          slot.player.play().catch(() => {
          });
        } else {
          slot.player.pause();
        }
      }
    }
    #toggle() {
      if (!this.#now) {
        this.#playing = true;
        this.#show(0);
        return;
      }
      this.#shownFor = this.#gone();
      this.#playing = !this.#playing;
      this.#start();
      this.#showState();
    }
    #setSound() {
      this.#sound = !this.#sound;
      this.#mute.setAttribute("aria-pressed", String(this.#sound));
      if (this.#now?.player) {
        this.#now.player.muted = !this.#sound;
      }
    }
    // Seconds that a still was shown.
    #gone() {
      return this.#shownFor + (this.#playing ? (performance.now() - this.#since) / 1e3 : 0);
    }
    #tick() {
      this.#frame = requestAnimationFrame(() => {
        const { player: player2 } = this.#now ?? {};
        const part2 = player2 ? player2.currentTime / (player2.duration || Number.POSITIVE_INFINITY) : this.#gone() / STILL;
        this.#progress.value = this.list.length ? (this.#place + Math.min(1, this.#now ? part2 : 0)) / this.list.length : 1;
        if (this.#now && !player2 && this.#gone() >= STILL) {
          this.#go(1);
        } else if (this.#now) {
          this.#tick();
        }
      });
    }
    #showState() {
      const left = this.#skipped ? ` · ${number(this.#skipped)} without a clip to play left out` : "";
      const at2 = this.#now ? `${number(this.#place + 1)} of ${number(this.list.length)}` : `${number(this.list.length)} shown`;
      this.#where.textContent = at2 + left;
      this.#play.textContent = this.#now ? this.#playing ? "Pause" : "Play" : "Play again";
      this.#play.disabled = !this.list.length;
    }
    /** What is under the clip: the words for it, and those that people have said. */
    showWords() {
      this.#showState();
      const held2 = this.#acts.contains(document.activeElement) ? document.activeElement?.getAttribute("data-do") : null;
      const entry = this.#now && (byTask.get(this.#now.entry.task) ?? this.#now.entry);
      if (!entry) {
        const words2 = this.list.length ? "The end" : this.#kept ? "None of these clips is kept" : "None of these has a clip that can be played";
        this.#caption.replaceChildren(make("h3", {}, words2));
        this.#acts.replaceChildren();
        return;
      }
      const when2 = published(entry);
      const channel = said2(entry, "channel");
      this.#caption.replaceChildren(
        make("h3", { dir: "auto" }, said2(entry, "caption") || titled(entry)),
        make(
          "p",
          { class: "reel-facts" },
          channel ? make(
            "span",
            { dir: "auto" },
            channelMark(channel),
            make("span", { "aria-hidden": "true" }, brief(channel, 40))
          ) : null,
          when2 ? make("span", {}, `${DATE.format(when2.date)}${when2.time ? `, ${when2.time}` : ""}`) : make("span", {}, "no date"),
          ...Object.values(entry.values ?? {}).map(
            (value) => make("span", { dir: "auto" }, brief(plain(value), 40))
          ),
          said2(entry, "campaign") ? make("span", { dir: "auto" }, brief(said2(entry, "campaign"), 60)) : null
        )
      );
      const act = (label2, word3) => button(label2, () => this.#say(word3, true), {
        class: "quiet",
        "data-do": word3 ?? "clear",
        ...word3 ? { "aria-pressed": String(entry.verdict === word3) } : {}
      });
      this.#acts.replaceChildren(
        act("Keep", "kept"),
        act("Reject", "rejected"),
        entry.verdict ? act("Clear", null) : ""
      );
      (held2 ? this.#acts.querySelector(`[data-do="${held2}"]`) : null)?.focus();
    }
    /** @param {Word | null} verdict @param {boolean} stay with the clip */
    async #say(verdict, stay) {
      const slot = this.#now;
      const entry = slot && byTask.get(slot.entry.task);
      if (!entry || entry.sha256 !== slot.entry.sha256) {
        this.#tell("Another clip has taken the place of this one.");
        return;
      }
      try {
        await judge([entry], { verdict });
        this.#tell(`${verdict ? VERDICT[verdict] : "No verdict"}: ${brief(titled(entry), 60)}`);
      } catch (error) {
        this.#tell(error instanceof Error ? error.message : String(error));
        return;
      }
      if (!stay && slot === this.#now) {
        this.#go(1);
      }
    }
    /** @param {KeyboardEvent} event */
    #key(event2) {
      event2.stopPropagation();
      const target = (
        /** @type {HTMLElement} */
        event2.target
      );
      const key = event2.key.length === 1 ? event2.key.toLowerCase() : event2.key;
      if (event2.ctrlKey || event2.metaKey || event2.altKey || target.matches("select") || key === " " && target.matches("button")) {
        return;
      }
      const keys = {
        " ": () => this.#toggle(),
        ArrowLeft: () => this.#go(-1),
        ArrowRight: () => this.#go(1),
        ArrowUp: () => this.#go(-1),
        ArrowDown: () => this.#go(1),
        Home: () => this.#show(0),
        p: () => this.#say("kept", event2.shiftKey),
        x: () => this.#say("rejected", event2.shiftKey),
        u: () => this.#say(null, true),
        m: () => this.#setSound()
      };
      const act = keys[key];
      if (act) {
        event2.preventDefault();
        act();
      }
    }
  };

  // src/planner.js
  var SPAN = new Intl.DateTimeFormat(LOCALE, {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC"
  });
  function shownPeriod(names) {
    const [, day] = /^\d{4}-\d\d(-\d\d)?$/.exec(asked.period) ?? [];
    const when2 = readMoment(day ? asked.period : `${asked.period}-01`);
    if (when2) {
      return day ? { week: true, first: mondayOf(when2.date) } : { week: false, first: when2.date };
    }
    const now = dayName(today());
    const next = names.find((name2) => name2 >= now) ?? names.at(-1) ?? now;
    return { week: false, first: firstOfMonth(/* @__PURE__ */ new Date(`${next}T00:00:00Z`)) };
  }
  function firstOfMonth(date) {
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
  }
  function moved({ week: weekly, first }, by) {
    return weekly ? dayName(new Date(first.getTime() + by * 7 * A_DAY)) : dayName(new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + by, 1))).slice(0, 7);
  }
  function plannerHead(shown2, names, days) {
    const of = shown2.week ? "week" : "month";
    const name2 = shown2.week ? `Week of ${SPAN.format(shown2.first)}` : MONTH.format(shown2.first);
    const go = (period, pressed2) => {
      ask({ period });
      find(`#calendar [data-go="${pressed2}"]`).focus();
      say(find("#calendar .period").textContent ?? "");
    };
    const step = (label2, words2, key, period) => button(label2, () => go(period(), key), {
      class: "quiet",
      "data-go": key,
      ...words2 ? { "aria-label": words2 } : {}
    });
    const now = dayName(today());
    return make(
      "div",
      { class: "planner-head" },
      make("h3", { class: "period" }, name2),
      make(
        "div",
        { class: "steps", role: "group", "aria-label": "Move" },
        step("‹", `Previous ${of}`, "before", () => moved(shown2, -1)),
        step("Today", "", "today", () => shown2.week ? now : now.slice(0, 7)),
        step("›", `Next ${of}`, "after", () => moved(shown2, 1))
      ),
      jump(shown2, names, days),
      make(
        "div",
        { class: "views", role: "group", "aria-label": "Length" },
        ...["Month", "Week"].map(
          (label2) => button(label2, () => go(resized(shown2, label2 === "Week", names), label2), {
            "data-go": label2,
            "aria-pressed": String(label2 === "Week" === shown2.week)
          })
        )
      ),
      make("div", { class: "planner-tools" }, reelButton(shown2, names, days), fileButton())
    );
  }
  function resized(shown2, weekly, names) {
    if (weekly === shown2.week) {
      return asked.period;
    }
    if (!weekly) {
      return dayName(new Date(shown2.first.getTime() + 3 * A_DAY)).slice(0, 7);
    }
    const here = dayName(shown2.first).slice(0, 7);
    return names.find((name2) => name2.startsWith(here)) ?? dayName(shown2.first);
  }
  function jump(shown2, names, days) {
    const months = [...new Set(names.map((name2) => name2.slice(0, 7)))];
    if (months.length < 2) {
      return null;
    }
    const here = shown2.week ? "" : dayName(shown2.first).slice(0, 7);
    const select = make(
      "select",
      {},
      ...months.includes(here) ? [] : [make("option", { value: "" }, "Month…")]
    );
    for (const name2 of months) {
      const count2 = names.filter((day) => day.startsWith(name2)).reduce((total, day) => total + (days.get(day)?.length ?? 0), 0);
      select.append(
        make("option", { value: name2 }, `${MONTH.format(/* @__PURE__ */ new Date(`${name2}-01T00:00:00Z`))} (${number(count2)})`)
      );
    }
    select.value = months.includes(here) ? here : "";
    select.addEventListener("change", () => {
      ask({ period: select.value });
      find("#calendar .jump select").focus();
    });
    return make("label", { class: "jump" }, make("span", { class: "unseen" }, "Go to month"), select);
  }
  function reelButton(shown2, names, days) {
    const until = shown2.week ? dayName(new Date(shown2.first.getTime() + 7 * A_DAY)) : `${moved(shown2, 1)}-01`;
    const here = names.filter((name2) => name2 >= dayName(shown2.first) && name2 < until);
    const clips = here.flatMap((name2) => days.get(name2) ?? []).flatMap((each2) => each2.entries);
    return clips.some((entry) => entry.src && entry.status === "succeeded") ? button("Play as a reel", () => openReel(clips), { class: "quiet", "aria-haspopup": "dialog" }) : null;
  }
  function fileButton() {
    const kept2 = asked.verdict === "kept";
    const label2 = kept2 ? "Calendar file of the kept (.ics)" : "Calendar file (.ics)";
    if (job?.live) {
      return make(
        "a",
        { class: "quiet", href: `${job.live.base}calendar.ics${kept2 ? "?kept=1" : ""}`, download: "" },
        label2
      );
    }
    return button(label2, () => saveFile(kept2), { class: "quiet" });
  }
  async function saveFile(kept2) {
    if (!globalThis.crypto?.subtle) {
      say(
        `This address is not secure, so that the page cannot make the file: ${job?.export_ics ?? "pipeline export --to ics"} does.`
      );
      return;
    }
    const name2 = job?.name ?? document.querySelector("h1")?.textContent ?? "";
    const text3 = await calendarFile(
      name2,
      entries.filter((entry) => !kept2 || entry.verdict === "kept")
    );
    const address2 = URL.createObjectURL(new Blob([text3], { type: "text/calendar;charset=utf-8" }));
    make("a", { href: address2, download: "posts.ics" }).click();
    setTimeout(() => URL.revokeObjectURL(address2), 6e4);
    const events = text3.split("\r\nBEGIN:VEVENT").length - 1;
    say(`Saved posts.ics with ${number(events)} ${events === 1 ? "event" : "events"}.`);
  }

  // src/calendar.js
  var MOST_A_DAY = { month: 3, week: 40 };
  var MOST_IN_TRAY = 40;
  var MONDAY = new Date(Date.UTC(2024, 0, 1));
  var trayOpen = false;
  var drawn2 = "";
  function showCalendar(entries2) {
    const now = signature(entries2);
    const months = find("#calendar .months");
    if (now === drawn2) {
      return;
    }
    drawn2 = now;
    const back = months.contains(document.activeElement) ? comeback() : null;
    const { days, undated } = placed(entries2);
    const names = [...days.keys()].sort();
    const shown2 = shownPeriod(names);
    const table2 = shown2.week ? week(shown2.first, days, entries2) : month(shown2.first, days, entries2);
    months.replaceChildren(
      plannerHead(shown2, names, days),
      marks2() ?? "",
      make(
        "div",
        { class: `planner${undated.length ? " with-tray" : ""}` },
        table2,
        tray(undated, entries2, names.length)
      )
    );
    back?.();
  }
  function signature(entries2) {
    const told2 = entries2.map((each2) => [
      each2.task,
      each2.status,
      each2.verdict,
      each2.poster,
      each2.missing,
      ...["publish", "channel", "caption"].map((name2) => said2(
        each2,
        /** @type {"caption"} */
        name2
      ))
    ]);
    return JSON.stringify([dayName(today()), asked.period, asked.verdict, trayOpen, entries.length, told2]);
  }
  function placed(entries2) {
    const items = /* @__PURE__ */ new Map();
    for (const entry of entries2) {
      const when2 = published(entry);
      const key = JSON.stringify([entry.post, when2?.day, when2?.time, said2(entry, "channel")]);
      const there = items.get(key);
      if (there) {
        there.entries.push(entry);
      } else {
        items.set(key, {
          entries: [entry],
          day: when2?.day ?? "",
          time: when2?.time ?? "",
          channel: said2(entry, "channel")
        });
      }
    }
    const days = /* @__PURE__ */ new Map();
    const undated = [];
    for (const each2 of items.values()) {
      if (each2.day) {
        days.set(each2.day, [...days.get(each2.day) ?? [], each2]);
      } else {
        undated.push(each2);
      }
    }
    for (const each2 of days.values()) {
      each2.sort((one, other) => natural(one.time, other.time));
    }
    return { days, undated };
  }
  function month(first, days, entries2) {
    const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
    const before2 = (first.getUTCDay() + 6) % 7;
    const rows2 = [];
    for (let start3 = -before2; start3 < length; start3 += 7) {
      const row3 = make("tr", { role: "row" });
      for (let day = start3; day < start3 + 7; day += 1) {
        row3.append(
          day < 0 || day >= length ? make("td", { class: "outside", role: "cell" }) : dayCell(new Date(first.getTime() + day * A_DAY), days, entries2, MOST_A_DAY.month)
        );
      }
      rows2.push(row3);
    }
    return sheet("month", MONTH.format(first), MONDAY, rows2);
  }
  function week(first, days, entries2) {
    const row3 = make("tr", { role: "row" });
    for (let day = 0; day < 7; day += 1) {
      row3.append(dayCell(new Date(first.getTime() + day * A_DAY), days, entries2, MOST_A_DAY.week));
    }
    return sheet("month week", `Week of ${SPAN.format(first)}`, first, [row3]);
  }
  function sheet(kind, name2, monday, rows2) {
    const heads = make("tr", { role: "row" });
    for (let day = 0; day < 7; day += 1) {
      const head = WEEKDAY.format(new Date(monday.getTime() + day * A_DAY));
      heads.append(make("th", { scope: "col", role: "columnheader" }, head));
    }
    return make(
      "table",
      { class: kind, role: "table" },
      make("caption", { class: "unseen" }, name2),
      make("thead", { role: "rowgroup" }, heads),
      make("tbody", { role: "rowgroup" }, ...rows2)
    );
  }
  function dayCell(date, days, entries2, most) {
    const day = dayName(date);
    const here = days.get(day) ?? [];
    const now = day === dayName(today());
    const cell = make("td", { role: "cell", class: `${here.length ? "some" : "none"}${now ? " today" : ""}` });
    cell.append(
      make(
        "time",
        { class: "day", datetime: day, ...now ? { "aria-current": "date" } : {} },
        make("span", { class: "weekday" }, `${WEEKDAY.format(date)} `),
        String(date.getUTCDate())
      )
    );
    if (here.length) {
      const list2 = make("ul", { class: here.length === 1 ? "alone" : "several", role: "list" });
      list2.append(...here.slice(0, most).map((each2) => item(each2, () => openItem(each2, entries2))));
      cell.append(list2, andMore(date, here.length - most));
    }
    return cell;
  }
  function openItem(found2, entries2) {
    const [first] = found2.entries;
    if (first) {
      openDetail(first, entries2);
    }
  }
  function andMore(date, count2) {
    return count2 <= 0 ? "" : button(`+${number(count2)}`, () => ask({ day: dayName(date), view: "" }), {
      class: "link",
      "aria-label": `+${number(count2)} more on ${DATE.format(date)}`
    });
  }
  function tray(undated, entries2, dated3) {
    if (!undated.length) {
      return dated3 ? null : make("p", { class: "empty" }, entries.length ? "Nothing matches." : "There are no posts yet.");
    }
    const list2 = make("ul", { class: "several", role: "list" });
    const some = trayOpen ? undated : undated.slice(0, MOST_IN_TRAY);
    list2.append(...some.map((each2) => item(each2, () => openItem(each2, entries2))));
    const left = undated.length - some.length;
    return make(
      "aside",
      { class: "tray", "aria-labelledby": "tray-title" },
      make("h3", { id: "tray-title" }, "No date ", make("span", { class: "tally" }, number(undated.length))),
      make("p", { class: "remark" }, remark(undated)),
      list2,
      left ? button(
        `Show ${number(left)} more`,
        () => {
          trayOpen = true;
          showCalendar(entries2);
        },
        { class: "quiet" }
      ) : null
    );
  }
  function remark(undated) {
    const unread = undated.map((each2) => each2.entries[0] && said2(each2.entries[0], "publish")).find(Boolean);
    return unread ? `“${brief(unread, 40)}” is no date that can be read; 2026-12-01 would be one.` : "Give prompts a “publish” date under “meta”, and they appear in the calendar.";
  }
  var calendar = { name: "calendar", label: "Calendar", show: showCalendar };

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
    const before2 = list;
    list = grouped(entries2);
    const was = places.get(current) ?? -1;
    places = new Map(list.map((post2, place2) => [post2.post, place2]));
    if (was >= 0 && !places.has(current)) {
      current = nearest(before2, was);
    }
    for (const post2 of selection) {
      if (!places.has(post2)) {
        selection.delete(post2);
      }
    }
    nothing.hidden = list.length > 0;
    grid.hidden = list.length === 0;
    measure();
    draw4(true);
    if (!wasShown && scrolledTo) {
      scrollTo({ top: scrolledTo, behavior: "instant" });
      draw4(false);
    }
    if (hadFocus && !isInGrid()) {
      cards.get(current)?.element.focus({ preventScroll: true });
    }
    showSelection();
  }
  function nearest(before2, was) {
    const isThere = ({ post: post2 }) => places.has(post2);
    return (before2.slice(was).find(isThere) ?? before2.slice(0, was).findLast(isThere))?.post ?? "";
  }
  function hideGallery() {
    scrolledTo = scrollY;
    isShown = false;
    stopPlaying();
  }
  function aspect() {
    const some = list.slice(0, 200).map((post2) => ratio(post2.lead) || 16 / 9).sort((one, other) => one - other);
    const middle2 = some[some.length >> 1] ?? 16 / 9;
    return SHAPES.find((each2) => middle2 >= each2 * 0.99) ?? 3 / 4;
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
      if (shape.columns !== columns || shape.density !== density()) {
        for (const card of cards.values()) {
          card.release();
        }
        cards.clear();
      }
      Object.assign(shape, { columns, density: density(), aspect: tall, width });
      grid.dataset.density = density();
      grid.style.setProperty("--columns", String(columns));
      grid.style.setProperty("--gap", `${style.gap}px`);
      grid.style.setProperty("--words", `${style.words}px`);
      grid.style.setProperty("--stage-height", `${stage3.toFixed(2)}px`);
      grid.style.setProperty("--row", `${rowHeight}px`);
      grid.ariaColCount = String(columns);
      for (const row3 of rows.values()) {
        row3.remove();
      }
      rows.clear();
    }
    const count2 = Math.ceil(list.length / columns);
    grid.ariaRowCount = String(count2);
    grid.style.setProperty("height", `${count2 * rowHeight}px`);
  }
  function wanted() {
    const count2 = Math.ceil(list.length / columns);
    const { top } = grid.getBoundingClientRect();
    const ahead2 = innerHeight * AHEAD;
    const first = isPrinting ? 0 : Math.max(0, Math.floor((-top - ahead2) / rowHeight));
    const last = isPrinting ? count2 - 1 : Math.min(count2 - 1, Math.floor((innerHeight - top + ahead2) / rowHeight));
    const needed = /* @__PURE__ */ new Set();
    for (let row3 = first; row3 <= last; row3 += 1) {
      needed.add(row3);
    }
    const place2 = places.get(current);
    if (place2 !== void 0) {
      needed.add(Math.floor(place2 / columns));
    }
    return needed;
  }
  function draw4(isChanged) {
    if (!places.has(current)) {
      current = list[0]?.post ?? "";
    }
    const needed = wanted();
    for (const [place2, row3] of rows) {
      if (!needed.has(place2)) {
        row3.remove();
        rows.delete(place2);
      }
    }
    const there = /* @__PURE__ */ new Set();
    for (const place2 of [...needed].sort((one, other) => one - other)) {
      const known4 = rows.get(place2);
      const row3 = known4 ?? makeRow(place2);
      if (!known4 || isChanged) {
        fillRow(row3, place2);
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
    const row3 = make("div", { class: "row", role: "row", "aria-rowindex": place2 + 1 });
    row3.style.setProperty("top", `${place2 * rowHeight}px`);
    const next = [...rows.keys()].filter((each2) => each2 > place2);
    const before2 = next.length ? rows.get(Math.min(...next)) : null;
    grid.insertBefore(row3, before2 ?? null);
    rows.set(place2, row3);
    return row3;
  }
  function fillRow(row3, place2) {
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
    if (here.length !== row3.children.length || here.some((element, column) => row3.children[column] !== element)) {
      row3.replaceChildren(...here);
    }
  }
  function reach(card, isCurrent) {
    card.element.classList.toggle("current", isCurrent);
    card.element.tabIndex = isCurrent ? 0 : -1;
    for (const each2 of card.element.querySelectorAll("button")) {
      each2.tabIndex = isCurrent ? 0 : -1;
    }
  }
  function clipOf(post2) {
    return post2.entries.find((each2) => each2.task === chosen.get(post2.post)) ?? post2.lead;
  }
  function clipsInOrder() {
    return list.flatMap((post2) => post2.entries);
  }
  function choose(post2, task2) {
    chosen.set(post2, task2);
    current = post2;
    draw4(true);
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
    draw4(false);
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
      draw4(false);
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
      (each2, number2) => number2 > post2.entries.indexOf(here ?? post2.lead) && !each2.verdict && each2.status === "succeeded"
    );
    const next = list[place2 + 1]?.post;
    return () => {
      if (left && places.has(current) && list[places.get(current) ?? -1]?.entries.includes(left)) {
        chosen.set(current, left.task);
        draw4(true);
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
      draw4(true);
      focusPlace(places.get(entry.post) ?? 0);
    }
  }
  function selectTo(post2) {
    const [one, other] = [places.get(anchor) ?? 0, places.get(post2) ?? 0];
    selection.clear();
    for (const each2 of list.slice(Math.min(one, other), Math.max(one, other) + 1)) {
      selection.add(each2.post);
    }
    draw4(true);
    showSelection();
  }
  function clearSelection() {
    const some = selection.size > 0;
    selection.clear();
    anchor = "";
    if (some) {
      draw4(true);
      showSelection();
    }
    return some;
  }
  function selectedCount() {
    return selection.size;
  }
  var watchers = /* @__PURE__ */ new Set();
  function onSelection(told2) {
    watchers.add(told2);
  }
  function showSelection() {
    grid.classList.toggle("selecting", selection.size > 0);
    for (const told2 of watchers) {
      told2();
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
      draw4(true);
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
      for (const [post2, each2] of cards) {
        reach(each2, post2 === current);
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
        draw4(false);
      });
    }
  }
  addEventListener("scroll", later2, { passive: true });
  addEventListener("resize", later2);
  new ResizeObserver(() => {
    if (isShown && grid.clientWidth !== shape.width) {
      measure();
      draw4(true);
    }
  }).observe(grid);
  function setPrinting(printing) {
    if (isShown && printing !== isPrinting) {
      isPrinting = printing;
      draw4(true);
    }
  }
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  matchMedia("print").addEventListener("change", ({ matches }) => setPrinting(matches));
  function reelButton2() {
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
  var line2 = find(".progress");
  var selecting = find(".selecting-line");
  var drawn3 = "";
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
    for (const each2 of densities.children) {
      each2.ariaPressed = String(each2 instanceof HTMLElement && each2.dataset.density === shown2);
    }
    densities.hidden = find("#gallery").hidden;
    const said3 = JSON.stringify([
      asked.status,
      asked.verdict,
      asked.day,
      asked.post,
      [...asked.facets].map(([facet, value]) => [facet.key, value]),
      facets.map((facet) => [facet.key, facet.values])
    ]);
    if (said3 !== drawn3) {
      drawn3 = said3;
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
    const focused2 = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
    popover.replaceChildren(
      ...choices2().map(({ name: name2, label: label2, value, choices: given, set }) => {
        const select = make("select", { id: `by-${name2}` }, make("option", { value: "" }, "Any"));
        select.append(...given.map(([each2, text3]) => make("option", { value: each2 }, text3)));
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
    if (focused2.startsWith("by-")) {
      document.getElementById(focused2)?.focus();
    }
  }
  function showChips() {
    const set = choices2().filter(({ value }) => value).map(({ label: label2, value, choices: given, set: change }) => [
      `${label2}: ${given.find(([each2]) => each2 === value)?.[1] ?? value}`,
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
    const { clips, seen, kept: kept2, rejected } = progress();
    line2.textContent = clips ? `${number(seen)} of ${number(clips)} seen · ${number(kept2)} kept · ${number(rejected)} rejected` : "";
  }
  function showSelecting() {
    const count2 = selectedCount();
    selecting.hidden = count2 === 0;
    if (count2) {
      const word3 = (label2, verdict) => button(
        label2,
        () => {
          void judge(clipsMeant(), { verdict });
        },
        { class: "quiet" }
      );
      selecting.replaceChildren(
        make("span", {}, selectionWords()),
        word3("Keep", "kept"),
        word3("Reject", "rejected"),
        word3("Clear", null),
        button("Select none", () => clearSelection(), { class: "link" })
      );
    }
  }

  // src/clock.js
  var FAR = 0.25;
  var OFF = 0.012;
  var USUAL_FRAME = 1 / 24;
  var LAST_FRAME = 0.04;
  var Clock = class {
    /** @type {Player[]} */
    #players = [];
    #position = 0;
    #since = 0;
    #playing = false;
    #held = false;
    /** The shortest time between two frames that was seen. */
    #frame = Number.POSITIVE_INFINITY;
    #ticks = 0;
    /** @type {WeakMap<Player, number>} where a player is to go once it has come to where it was sent */
    #wanted = /* @__PURE__ */ new WeakMap();
    loop = true;
    /** @param {() => void} changed called when the position or the state is another */
    constructor(changed) {
      this.changed = changed;
    }
    /** @param {Player} player */
    add(player2) {
      this.#players.push(player2);
      player2.addEventListener("seeked", () => {
        const wanted2 = this.#wanted.get(player2);
        this.#wanted.delete(player2);
        if (wanted2 !== void 0 && Math.abs(player2.currentTime - wanted2) > 1e-3) {
          this.#send(player2, wanted2);
        }
      });
      player2.addEventListener("loadedmetadata", () => {
        this.#send(player2, this.#position);
        this.changed();
      });
      if ("requestVideoFrameCallback" in player2) {
        this.#watch(
          /** @type {HTMLVideoElement} */
          player2
        );
      }
    }
    /** @param {Player} player */
    remove(player2) {
      this.#players = this.#players.filter((each2) => each2 !== player2);
      this.changed();
    }
    get playing() {
      return this.#playing;
    }
    /** Whether it stands still because a film is not there yet. */
    get held() {
      return this.#held;
    }
    /** The longest of the films, in seconds. */
    get length() {
      return Math.max(0, ...this.#players.map((each2) => Number.isFinite(each2.duration) ? each2.duration : 0));
    }
    get position() {
      const gone = this.#playing && !this.#held ? (performance.now() - this.#since) / 1e3 : 0;
      return Math.min(this.#position + gone, this.length || Number.POSITIVE_INFINITY);
    }
    play() {
      if (this.length && this.#position >= this.length - LAST_FRAME) {
        this.#position = 0;
      }
      this.#playing = true;
      this.#since = performance.now();
      for (const player2 of this.#players) {
        this.#send(player2, this.#position);
      }
      cancelAnimationFrame(this.#ticks);
      this.#tick();
      this.changed();
    }
    pause() {
      this.#position = this.position;
      this.#playing = false;
      this.#held = false;
      cancelAnimationFrame(this.#ticks);
      for (const player2 of this.#players) {
        player2.pause();
        player2.playbackRate = 1;
        this.#send(player2, this.#position);
      }
      this.changed();
    }
    /** @param {number} position in seconds */
    seek(position) {
      this.#position = Math.min(Math.max(0, position), this.length || Number.POSITIVE_INFINITY);
      this.#since = performance.now();
      for (const player2 of this.#players) {
        this.#send(player2, this.#position);
      }
      this.changed();
    }
    /** @param {number} frames forward, or back where it is negative */
    step(frames) {
      this.pause();
      const frame2 = Number.isFinite(this.#frame) ? this.#frame : USUAL_FRAME;
      this.seek((Math.floor(this.#position / frame2 + 0.01) + frames) * frame2 + frame2 / 100);
    }
    close() {
      cancelAnimationFrame(this.#ticks);
      this.#playing = false;
      this.#players = [];
    }
    /** @param {Player} player @param {number} position */
    #send(player2, position) {
      const target = Math.min(position, Math.max(0, (player2.duration || 0) - LAST_FRAME));
      if (player2.seeking) {
        this.#wanted.set(player2, target);
      } else if (player2.readyState > 0 && Math.abs(player2.currentTime - target) > 1e-3) {
        player2.currentTime = target;
      }
    }
    #tick() {
      this.#ticks = requestAnimationFrame(() => {
        this.#hold();
        if (!this.#held) {
          if (this.length && this.position >= this.length) {
            this.#end();
          }
          for (const player2 of this.#players) {
            this.#keep(player2);
          }
        }
        this.changed();
        if (this.#playing) {
          this.#tick();
        }
      });
    }
    // The clock waits for a film that has nothing to show yet, and the others wait with it.
    #hold() {
      const late = this.#players.some(
        (each2) => !each2.error && !this.#over(each2) && (each2.seeking || each2.readyState < HTMLMediaElement.HAVE_FUTURE_DATA)
      );
      if (late !== this.#held) {
        this.#position = this.position;
        this.#since = performance.now();
        this.#held = late;
        for (const player2 of this.#players) {
          if (late) {
            player2.pause();
          }
        }
      }
    }
    #end() {
      if (this.loop) {
        this.seek(0);
      } else {
        this.pause();
      }
    }
    /** @param {Player} player */
    #over(player2) {
      return player2.duration > 0 && this.position >= player2.duration - LAST_FRAME;
    }
    /** @param {Player} player */
    #keep(player2) {
      if (!this.#playing || player2.error) {
        return;
      }
      if (this.#over(player2)) {
        player2.pause();
        return;
      }
      if (player2.paused && !player2.seeking) {
        player2.play().catch(() => {
        });
        return;
      }
      this.#mend(player2, player2.currentTime);
    }
    /** @param {Player} player @param {number} now where it is, in seconds */
    #mend(player2, now) {
      const off = now - this.position;
      if (player2.seeking) {
        return;
      }
      if (Math.abs(off) > FAR) {
        this.#send(player2, this.position);
      }
      const rate = Math.abs(off) < OFF ? 1 : Math.min(1.15, Math.max(0.85, 1 - off));
      if (Math.abs(player2.playbackRate - rate) > 5e-3) {
        player2.playbackRate = rate;
      }
    }
    // The frames tell how long one is, which no file says to a page.
    /** @param {HTMLVideoElement} player */
    #watch(player2) {
      let last = -1;
      const seen = (_now, frame2) => {
        const gap = frame2.mediaTime - last;
        if (this.#playing && last >= 0 && gap > 8e-3 && gap < Math.min(this.#frame, 0.25)) {
          this.#frame = gap;
        }
        last = this.#playing ? frame2.mediaTime : -1;
        if (this.#players.includes(player2)) {
          player2.requestVideoFrameCallback(seen);
        }
      };
      player2.requestVideoFrameCallback(seen);
    }
  };

  // src/difference.js
  var MOST_CELLS = 1e6;
  function promptOf(side) {
    const clip = (
      /** @type {Partial<import("./types").Entry>} */
      side.clip
    );
    return String(clip.prompt ?? side.clip.params.prompt ?? byTask.get(side.task)?.prompt ?? "");
  }
  function differing(sides, measured2) {
    const names = [...new Set(sides.flatMap((side) => Object.keys(side.clip.params)))].filter(
      (name2) => name2 !== "prompt"
    );
    const rows2 = [
      ...names.map(
        (name2) => (
          /** @type {[string, (side: Side) => string]} */
          [
            named(name2),
            (side) => name2 in side.clip.params ? plain(side.clip.params[name2]) : ""
          ]
        )
      ),
      ["Model", (side) => byTask.get(side.task)?.model ?? ""],
      ["Duration", (side) => told(measured2(side).duration ?? facts2(side).duration_s, lasting)],
      [
        "Picture",
        (side) => {
          const { width = facts2(side).width, height = facts2(side).height } = measured2(side);
          return width && height ? `${width} × ${height}` : "";
        }
      ],
      ["Size", (side) => told(entryOf(side).bytes, size)],
      ["Cost", (side) => told(side.clip.cost, money)],
      ["Finished", (side) => told(side.clip.finished_at || void 0, moment)],
      ["Note", (side) => side.clip.note ?? ""]
    ];
    return rows2.map(([name2, value]) => (
      /** @type {[string, string[]]} */
      [name2, sides.map(value)]
    )).filter(([, values]) => values.some((value) => value !== values[0]));
  }
  function entryOf(side) {
    return (
      /** @type {Partial<import("./types").Entry>} */
      side.clip
    );
  }
  function facts2(side) {
    return entryOf(side).media ?? {};
  }
  function told(value, words2) {
    return value === void 0 || value === null ? "" : words2(value);
  }
  function wordDifference(one, other) {
    const [a, b] = [split(one), split(other)];
    let head = 0;
    while (head < Math.min(a.length, b.length) && a[head] === b[head]) {
      head += 1;
    }
    let tail = 0;
    while (tail < Math.min(a.length, b.length) - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
      tail += 1;
    }
    return joined([
      ...part(a.slice(0, head), "same"),
      ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
      ...part(a.slice(a.length - tail), "same")
    ]);
  }
  function split(text3) {
    return text3.match(/\s*[\p{L}\p{N}_'’-]+|\s*[^\s]/gu) ?? [];
  }
  function part(words2, is) {
    return words2.map((text3) => ({ text: text3, is }));
  }
  function middle(a, b) {
    if (a.length * b.length > MOST_CELLS) {
      return [...part(a, "gone"), ...part(b, "new")];
    }
    const width = b.length + 1;
    const common = new Uint16Array((a.length + 1) * width);
    const at2 = (i2, j2) => common[i2 * width + j2] ?? 0;
    for (let i2 = a.length - 1; i2 >= 0; i2 -= 1) {
      for (let j2 = b.length - 1; j2 >= 0; j2 -= 1) {
        common[i2 * width + j2] = a[i2] === b[j2] ? at2(i2 + 1, j2 + 1) + 1 : Math.max(at2(i2 + 1, j2), at2(i2, j2 + 1));
      }
    }
    const parts = [];
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        parts.push({ text: a[i] ?? "", is: "same" });
        i += 1;
        j += 1;
      } else if (j >= b.length || i < a.length && at2(i + 1, j) >= at2(i, j + 1)) {
        parts.push({ text: a[i] ?? "", is: "gone" });
        i += 1;
      } else {
        parts.push({ text: b[j] ?? "", is: "new" });
        j += 1;
      }
    }
    return parts;
  }
  function joined(parts) {
    const found2 = [];
    for (const each2 of parts) {
      const last = found2.at(-1);
      if (last?.is === each2.is) {
        last.text += each2.text;
      } else {
        found2.push({ ...each2 });
      }
    }
    return found2;
  }
  function differenceTable(sides, measured2) {
    const prompts = sides.map(promptOf);
    const body = make("tbody");
    if (prompts.some((each2) => each2 !== prompts[0])) {
      body.append(
        row(
          "Prompt",
          prompts.map((each2, place2) => marked(prompts[0] ?? "", each2, place2))
        )
      );
    }
    for (const [name2, values] of differing(sides, measured2)) {
      body.append(
        row(
          name2,
          values.map((value) => value || "–")
        )
      );
    }
    if (!body.children.length) {
      return make("p", { class: "side-none" }, "Nothing that is known of them differs.");
    }
    const heads = sides.map(
      ({ label: label2 }, place2) => make("th", { scope: "col" }, `${place2 + 1} `, make("span", { class: "side-label", dir: "auto" }, label2))
    );
    return make(
      "table",
      { class: "difference-table" },
      make("caption", { class: "unseen" }, "What differs"),
      make("thead", {}, make("tr", {}, make("td"), ...heads)),
      body
    );
  }
  function row(name2, values) {
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, name2),
      ...values.map((value) => make("td", { dir: "auto" }, value))
    );
  }
  function marked(first, prompt, place2) {
    const words2 = make("div", { class: "prompt" });
    if (!place2) {
      words2.append(prompt);
      return words2;
    }
    for (const { text: text3, is } of wordDifference(first, prompt)) {
      words2.append(is === "same" ? text3 : make(is === "new" ? "ins" : "del", {}, text3));
    }
    return words2;
  }

  // src/sides.js
  function present(side) {
    const entry = byTask.get(side.task);
    const same = entry && (entry === side.clip || side.clip.sha256 && entry.sha256 === side.clip.sha256);
    return same && entry.status === "succeeded" ? entry : void 0;
  }

  // src/compare.js
  var MOST = 4;
  var KEYS2 = "1–4 choose · P keep · X reject · U clear · Space play · , . frame · ← → second · D wipe · M sound · L loop · Esc close";
  var open2 = null;
  function openCompare(sides) {
    if (sides.length > 1) {
      open2?.close();
      open2 = new Compare(sides);
    }
  }
  on("said", () => open2?.showWords());
  on("entries", () => open2?.showWords());
  var Compare = class {
    /** @type {Shown[]} */
    #shown = [];
    #focused = 0;
    #sounding = -1;
    #wiping = false;
    #clock;
    #back = comeback();
    #dialog = make("dialog", { class: "theatre compare", "aria-label": "Compare" });
    #grid = make("div", { class: "sides" });
    #table = make("div", { class: "difference", role: "region", "aria-label": "What differs", tabindex: "0" });
    #strip = make("ul", { class: "choice", role: "list", "aria-label": "Clips to choose from" });
    #status = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
    #tell = announcer(this.#status, 50);
    #time = make("output", { class: "clock" });
    #scrubber = make("input", {
      type: "range",
      min: 0,
      max: 0,
      step: 0.01,
      value: 0,
      "aria-label": "Position"
    });
    #wipe = make("input", {
      type: "range",
      class: "wipe-at",
      min: 0,
      max: 100,
      step: 0.5,
      value: 50,
      "aria-label": "Where the two meet"
    });
    #play = button("", () => this.#toggle(), { class: "quiet transport-play" });
    #loop = button("Loop", () => this.#setLoop(), { class: "quiet", "aria-pressed": "true" });
    #wiper = button("Wipe", () => this.#setWipe(!this.#wiping), { class: "quiet", "aria-pressed": "false" });
    /** @param {Side[]} sides */
    constructor(sides) {
      this.all = sides;
      this.chosen = sides.slice(0, MOST);
      this.#clock = new Clock(() => this.#showTime());
      this.#build();
      this.#showSides();
      document.body.append(this.#dialog);
      this.#dialog.showModal();
      this.#focus(0);
    }
    close() {
      this.#dialog.close();
    }
    #build() {
      const close = button("Close", () => this.close(), { class: "quiet" });
      const transport = make(
        "div",
        { class: "transport" },
        button("‹", () => this.#clock.step(-1), { class: "quiet", "aria-label": "One frame back" }),
        this.#play,
        button("›", () => this.#clock.step(1), { class: "quiet", "aria-label": "One frame forward" }),
        this.#scrubber,
        this.#time,
        this.#loop
      );
      this.#dialog.append(
        make("div", { class: "theatre-bar" }, make("h2", {}, "Compare"), this.#wiper, close),
        this.#grid,
        this.#wipe,
        transport,
        this.#table,
        this.#strip,
        make("p", { class: "hint" }, KEYS2),
        this.#status
      );
      this.#scrubber.addEventListener("input", () => this.#clock.seek(Number(this.#scrubber.value)));
      this.#wipe.addEventListener(
        "input",
        () => this.#grid.style.setProperty("--wipe", `${this.#wipe.value}%`)
      );
      this.#grid.addEventListener("pointermove", (event2) => this.#drag(event2));
      this.#dialog.addEventListener("keydown", (event2) => this.#key(event2));
      this.#dialog.addEventListener("click", (event2) => this.#refocus(event2));
      this.#dialog.addEventListener("close", () => this.#closed());
    }
    #closed() {
      this.#clock.close();
      for (const each2 of this.#shown) {
        release2(each2.player);
      }
      this.#dialog.remove();
      open2 = open2 === this ? null : open2;
      this.#back();
    }
    // A mouse leaves the keys with the clip: the next space plays, and does not press the button again.
    /** @param {MouseEvent} event */
    #refocus(event2) {
      const target = (
        /** @type {Element} */
        event2.target
      );
      const place2 = this.#shown.findIndex((each2) => each2.element.contains(target));
      if (event2.detail && this.#dialog.open && !target.closest(".choice, input")) {
        this.#focus(place2 < 0 ? this.#focused : place2);
      }
    }
    #showSides() {
      const position = this.#clock.position;
      const { loop } = this.#clock;
      this.#clock.close();
      for (const each2 of this.#shown) {
        release2(each2.player);
      }
      this.#clock = new Clock(() => this.#showTime());
      this.#clock.loop = loop;
      this.#shown = this.chosen.map((side, place2) => this.#side(side, place2));
      this.#grid.replaceChildren(...this.#shown.map((each2) => each2.element));
      this.#grid.dataset.count = String(this.#shown.length);
      this.#clock.seek(position);
      const players = this.#shown.filter((each2) => each2.player);
      this.#sounding = players.length && players.every((each2) => each2.player instanceof HTMLAudioElement) ? 0 : -1;
      this.#focused = Math.min(this.#focused, this.#shown.length - 1);
      this.#showSound();
      this.#showWipe();
      this.showWords();
      this.#showTable();
      this.#showStrip();
      this.#showTime();
    }
    /** @param {Side} side @param {number} place @returns {Shown} */
    #side(side, place2) {
      const foot = make("div", { class: "side-foot" });
      const { screen, player: player2 } = screenOf(side.clip, side.label, () => {
        if (player2) {
          this.#clock.remove(player2);
        }
      });
      const element = make(
        "section",
        { class: "side", tabindex: "-1", "aria-label": `${place2 + 1}: ${side.label}` },
        make("div", { class: "side-stage" }, screen),
        foot
      );
      element.addEventListener("focusin", () => this.#mark(place2));
      if (player2) {
        this.#clock.add(player2);
        player2.addEventListener("loadedmetadata", () => this.#showTable());
      }
      return { side, element, foot, player: player2 };
    }
    /** The verdicts and their buttons; what is no longer the task's clip has none. */
    showWords() {
      for (const [place2, { side, foot, player: player2 }] of this.#shown.entries()) {
        const held2 = foot.contains(document.activeElement) ? document.activeElement?.getAttribute("data-do") : null;
        const entry = present(side);
        const word3 = entry ? void 0 : side.clip.verdict;
        const sound = player2 ? button("♪", () => this.#setSound(place2), {
          class: "quiet",
          "data-do": "sound",
          "aria-pressed": String(this.#sounding === place2),
          "aria-label": `Sound of ${place2 + 1}`,
          title: "Sound"
        }) : null;
        foot.replaceChildren(
          make("span", { class: "side-number", "aria-hidden": "true" }, String(place2 + 1)),
          make("span", { class: "side-label", dir: "auto" }, side.label),
          word3 ? make("span", { class: `side-word ${word3}` }, VERDICT[word3] ?? "") : "",
          make(
            "span",
            { class: "side-acts" },
            ...entry ? this.#acts(place2, entry) : [make("span", { class: "side-none" }, "earlier version")],
            sound
          )
        );
        (held2 ? foot.querySelector(`[data-do="${held2}"]`) : null)?.focus();
      }
    }
    /** @param {number} place @param {Entry} entry */
    #acts(place2, entry) {
      const act = (label2, word3) => button(label2, () => this.#say(place2, word3), {
        class: "quiet",
        "data-do": word3 ?? "clear",
        "aria-label": `${label2} ${place2 + 1}`,
        ...word3 ? { "aria-pressed": String(entry.verdict === word3) } : {}
      });
      return [act("Keep", "kept"), act("Reject", "rejected"), ...entry.verdict ? [act("Clear", null)] : []];
    }
    /** @param {number} place @param {Word | null} verdict */
    async #say(place2, verdict) {
      const side = this.#shown[place2]?.side;
      const entry = side && present(side);
      if (!entry) {
        this.#tell("This is an earlier version: what is said counts for the clip that is there now.");
        return;
      }
      try {
        await judge([entry], { verdict });
        this.#tell(`${place2 + 1}: ${verdict ? VERDICT[verdict] : "no verdict"}.`);
      } catch (error) {
        this.#tell(error instanceof Error ? error.message : String(error));
      }
    }
    /** @param {number} place */
    #focus(place2) {
      this.#shown[place2]?.element.focus({ preventScroll: true });
    }
    /** @param {number} place */
    #mark(place2) {
      this.#focused = place2;
      for (const [at2, each2] of this.#shown.entries()) {
        each2.element.classList.toggle("focused", at2 === place2);
      }
      this.#showWipe();
    }
    #toggle() {
      if (this.#clock.playing) {
        this.#clock.pause();
      } else {
        this.#clock.play();
      }
    }
    #setLoop() {
      this.#clock.loop = !this.#clock.loop;
      this.#loop.setAttribute("aria-pressed", String(this.#clock.loop));
    }
    /** @param {number} place */
    #setSound(place2) {
      this.#sounding = this.#sounding === place2 ? -1 : place2;
      this.#showSound();
      this.showWords();
    }
    #showSound() {
      for (const [place2, each2] of this.#shown.entries()) {
        if (each2.player) {
          each2.player.muted = place2 !== this.#sounding;
        }
      }
    }
    /** @param {boolean} wiping */
    #setWipe(wiping) {
      this.#wiping = wiping;
      this.#showWipe();
    }
    // Over the first side lies the one in focus, or the second.
    #showWipe() {
      const top = this.#focused || 1;
      this.#grid.classList.toggle("wipe", this.#wiping);
      this.#wiper.setAttribute("aria-pressed", String(this.#wiping));
      this.#wipe.hidden = !this.#wiping;
      for (const [place2, each2] of this.#shown.entries()) {
        const hidden = this.#wiping && place2 !== 0 && place2 !== top;
        each2.element.classList.toggle("over", this.#wiping && place2 === top);
        each2.element.classList.toggle("away", hidden);
      }
    }
    /** @param {PointerEvent} event */
    #drag(event2) {
      if (this.#wiping && event2.buttons === 1) {
        const { left, width } = this.#grid.getBoundingClientRect();
        this.#wipe.value = String((event2.clientX - left) / width * 100);
        this.#grid.style.setProperty("--wipe", `${this.#wipe.value}%`);
      }
    }
    #showTime() {
      const { length, position, playing: playing2, held: held2 } = this.#clock;
      const words2 = `${position.toFixed(2)} of ${length.toFixed(2)} s${held2 ? " · waiting" : ""}`;
      this.#scrubber.max = String(length);
      this.#scrubber.value = String(position);
      this.#scrubber.setAttribute("aria-valuetext", `${position.toFixed(1)} of ${length.toFixed(1)} seconds`);
      this.#time.textContent = words2;
      const label2 = playing2 ? "Pause" : "Play";
      if (this.#play.textContent !== label2) {
        this.#play.textContent = label2;
      }
      for (const { element, player: player2 } of this.#shown) {
        element.classList.toggle(
          "ended",
          Boolean(player2 && player2.duration < length - 0.1 && position >= player2.duration)
        );
      }
    }
    #showTable() {
      const sides = this.#shown.map((each2) => each2.side);
      const players = new Map(this.#shown.map((each2) => [each2.side, each2.player]));
      this.#table.replaceChildren(differenceTable(sides, (side) => measured(players.get(side) ?? null)));
    }
    #showStrip() {
      this.#strip.hidden = this.all.length <= MOST;
      const keep2 = [...this.#strip.querySelectorAll("button")].indexOf(
        /** @type {any} */
        document.activeElement
      );
      this.#strip.replaceChildren(
        ...this.all.map((side) => {
          const choice = button("", () => this.#choose(side), {
            "aria-pressed": String(this.chosen.includes(side))
          });
          choice.append(
            side.clip.poster ? make("img", { src: side.clip.poster, alt: "", loading: "lazy", decoding: "async" }) : make("span", { class: "no-still" }),
            make("span", { dir: "auto" }, side.label)
          );
          return make("li", {}, choice);
        })
      );
      this.#strip.querySelectorAll("button")[keep2]?.focus();
    }
    /** @param {Side} side */
    #choose(side) {
      const there = this.chosen.includes(side);
      if (there && this.chosen.length === 2) {
        this.#tell("Two at least are compared.");
        return;
      }
      if (there) {
        this.chosen = this.chosen.filter((each2) => each2 !== side);
      } else if (this.chosen.length === MOST) {
        this.chosen = this.chosen.with(this.#focused, side);
      } else {
        this.chosen = [...this.chosen, side];
      }
      this.#showSides();
    }
    /** @param {KeyboardEvent} event */
    #key(event2) {
      event2.stopPropagation();
      if (event2.ctrlKey || event2.metaKey || event2.altKey) {
        return;
      }
      const target = (
        /** @type {HTMLElement} */
        event2.target
      );
      const key = event2.key.length === 1 ? event2.key.toLowerCase() : event2.key;
      const pressing = key === " " && target.matches("button") || target === this.#wipe && key.startsWith("Arrow");
      const act = pressing ? void 0 : this.#does(key, event2.shiftKey);
      if (act) {
        event2.preventDefault();
        act();
      }
    }
    /** @param {string} key @param {boolean} fine @returns {(() => unknown) | undefined} */
    #does(key, fine) {
      const clock2 = this.#clock;
      const second = fine ? 0.1 : 1;
      const keys = {
        " ": () => this.#toggle(),
        ",": () => clock2.step(-1),
        ".": () => clock2.step(1),
        ArrowLeft: () => clock2.seek(clock2.position - second),
        ArrowRight: () => clock2.seek(clock2.position + second),
        Home: () => clock2.seek(0),
        End: () => clock2.seek(clock2.length),
        p: () => this.#say(this.#focused, "kept"),
        x: () => this.#say(this.#focused, "rejected"),
        u: () => this.#say(this.#focused, null),
        d: () => this.#setWipe(!this.#wiping),
        m: () => this.#setSound(this.#focused),
        l: () => this.#setLoop()
      };
      return /^[1-4]$/.test(key) ? () => this.#focus(Number(key) - 1) : keys[key];
    }
  };
  function measured(player2) {
    const picture2 = player2 instanceof HTMLVideoElement && player2.videoWidth ? { width: player2.videoWidth, height: player2.videoHeight } : {};
    return player2?.duration && Number.isFinite(player2.duration) ? { ...picture2, duration: player2.duration } : picture2;
  }
  function release2(player2) {
    player2?.pause();
    player2?.removeAttribute("src");
    player2?.load();
  }

  // src/keys.js
  var inDetail = () => clipInDetail() !== null;
  var KEYS3 = {
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
        run: (event2) => word2("kept", !event2.shiftKey)
      },
      {
        keys: ["x"],
        show: "X",
        help: "Reject and move on; with Shift stay",
        about: true,
        run: (event2) => word2("rejected", !event2.shiftKey)
      },
      { keys: ["u"], show: "U", help: "Clear the verdict", about: true, run: () => word2(null, false) },
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
      { keys: ["r"], show: "R", help: "Render again", about: true, run: () => again2(meant()) },
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
    Object.values(KEYS3).flat().flatMap((key) => key.keys.map((each2) => [each2, key]))
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
  function word2(verdict, movesOn) {
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
    const detail2 = inDetail();
    const several = !detail2 && selectedCount() > 0;
    const next = several || detail2 ? null : onwards();
    const told2 = verdict ? VERDICT[verdict] ?? "" : "Cleared";
    void judge(clips, { verdict });
    let there = sayable[0] ?? null;
    if (several) {
      clearSelection();
      enterGrid();
    } else if (movesOn && detail2) {
      there = stepDetail(1) ?? there;
    } else if (movesOn && next) {
      there = next();
    } else if (!detail2) {
      enterGrid();
    }
    tell2(several ? `${told2}: ${number(sayable.length)} clips` : told2, there);
  }
  function onlyThis() {
    const [clip] = meant();
    if (!clip) {
      return;
    }
    const name2 = clipName(clip).split(", take")[0];
    const others2 = (posts.get(clip.post) ?? []).filter(
      (each2) => each2 !== clip && clipName(each2).split(", take")[0] === name2
    );
    void judge([clip], { verdict: "kept" });
    void judge(others2, { verdict: "rejected" });
    tell2(others2.length ? `Kept, ${number(others2.length)} rejected` : "Kept", clip);
  }
  function tell2(told2, there) {
    const { seen, clips } = progress();
    say(`${told2}. ${number(seen)} of ${number(clips)} seen${there ? `: ${brief(heading(there), 100)}` : ""}`);
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
    const done2 = () => {
      dialog2.close();
      void judge(clips, { note: field2.value });
      say("Noted.");
    };
    const named2 = sayable.length === 1 ? brief(heading(first), 80) : `${number(sayable.length)} clips`;
    const dialog2 = openDialog(`Note: ${named2}`, [
      make("label", { for: "note-text" }, "Enter saves, Shift + Enter begins a line, Esc leaves it as it was."),
      field2,
      make("p", { class: "actions" }, button("Save the note", done2, { class: "main" }))
    ]);
    field2.addEventListener("keydown", (event2) => {
      if (event2.key === "Enter" && !event2.shiftKey && !event2.isComposing) {
        event2.preventDefault();
        done2();
      }
    });
  }
  function again2(clips) {
    if (!clips.length) {
      return;
    }
    if (isLive) {
      void startAgain(clips);
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
    const ordered = others2.length ? clips : [first, ...clips.filter((each2) => each2 !== first)];
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
          ...Object.entries(KEYS3).map(
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
    if (!inDetail() && (key.about || KEYS3.Go?.includes(key)) && !isReady()) {
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
      reelButton2(),
      button("?", openHelp, { class: "quiet help-button", "aria-label": "Keys", title: "Keys (?)" })
    );
  }

  // src/night.js
  var ENDS = ["succeeded", "in_doubt", "failed"];
  var TICKS = [300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  var PAD = { left: 2, right: 2 };
  var all = data("nights") ?? [];
  var chosen2 = all.length - 1;
  var drawnWidth = 0;
  var watched = false;
  function showNights() {
    const picture2 = find(".night-picture");
    if (!watched) {
      watched = true;
      start2(picture2);
    }
    const night = all[chosen2];
    for (const part2 of [picture2, find(".night-figures")]) {
      part2.hidden = !night;
    }
    showChoice();
    if (night) {
      showNight(night);
    } else {
      find(".night-span").textContent = "";
      find(".night-reading").textContent = "Nothing was sent yet: the picture of the night begins with the first answer.";
    }
  }
  function start2(picture2) {
    find("#night-choice select").addEventListener("change", (event2) => {
      chosen2 = Number(
        /** @type {HTMLSelectElement} */
        event2.target.value
      );
      showNights();
    });
    new ResizeObserver(() => {
      const night = all[chosen2];
      if (night && picture2.clientWidth && Math.round(picture2.clientWidth) !== drawnWidth) {
        drawNight(night);
      }
    }).observe(picture2);
    picture2.addEventListener("pointermove", (move2) => readNight(move2, picture2));
    picture2.addEventListener("pointerleave", () => point(-1));
  }
  function showChoice() {
    const select = (
      /** @type {HTMLSelectElement} */
      find("#night-choice select")
    );
    const names = all.map(when);
    if (names.join() !== [...select.options].map((each2) => each2.textContent).join()) {
      select.replaceChildren(...names.map((name2, place2) => make("option", { value: place2 }, name2)));
    }
    select.value = String(chosen2);
    find("#night-choice").hidden = all.length < 2;
  }
  function when(each2) {
    const [from, to] = [new Date(each2.start * 1e3), new Date(each2.end * 1e3)];
    const far = DAY.format(from) !== DAY.format(to);
    return `${DAY.format(from)}, ${CLOCK.format(from)} – ${far && each2.end - each2.start > 86400 ? `${DAY.format(to)}, ` : ""}${CLOCK.format(to)}`;
  }
  function sum(values) {
    return values.reduce((total, value) => total + value, 0);
  }
  function nightWords(night) {
    const [succeeded, doubt2, failed] = [sum(night.succeeded), sum(night.in_doubt), sum(night.failed)];
    const told2 = known3(night);
    return [
      `At most ${number(Math.max(...night.in_flight))} in flight`,
      `${number(succeeded)} finished`,
      failed ? `${number(failed)} failed` : "",
      doubt2 ? `${number(doubt2)} in doubt` : "",
      told2.length ? `balance from ${money(told2[0] ?? 0)} to ${money(told2.at(-1) ?? 0)}` : ""
    ].filter(Boolean).join(", ");
  }
  function known3(night) {
    return night.balance.filter((value) => value !== null);
  }
  function showNight(night) {
    find(".night-span").textContent = `${all.length > 1 ? "" : `${when(night)} · `}${lasting(night.end - night.start)}`;
    find(".night-figures .scroll").replaceChildren(nightTable(night));
    drawNight(night);
  }
  function drawNight(night) {
    const nightPicture = find(".night-picture");
    const width = Math.max(280, Math.round(nightPicture.clientWidth));
    drawnWidth = Math.round(nightPicture.clientWidth);
    const count2 = night.in_flight.length;
    const at2 = (place2) => PAD.left + place2 / count2 * (width - PAD.left - PAD.right);
    const told2 = night.balance.some((value) => value !== null);
    const height = told2 ? 250 : 196;
    const canvas = draw("svg", {
      width: "100%",
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `The night: ${nightWords(night)}.`
    });
    canvas.append(
      ...axis(night, at2, width, height),
      ...flights(night, at2),
      ...endings(night, at2),
      ...told2 ? credits(night, at2, width) : [],
      draw("line", { class: "pointer", y1: 0, y2: height - 22 })
    );
    nightPicture.replaceChildren(canvas);
    point(-1);
  }
  function label(x, y, words2, attributes = {}) {
    return draw("text", { x, y, ...attributes }, words2);
  }
  function axis(night, at2, width, height) {
    const step = TICKS.find((tick) => (night.end - night.start) / tick <= width / 90) ?? 2592e3;
    const shift = new Date(night.start * 1e3).getTimezoneOffset() * 60;
    const marks3 = [];
    const length = night.in_flight.length * night.step;
    for (let time = Math.ceil((night.start - shift) / step) * step + shift; time < night.start + length; time += step) {
      const x = at2((time - night.start) / night.step);
      marks3.push(draw("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }));
      if (x < width - 18) {
        const name2 = step < 86400 ? CLOCK.format(new Date(time * 1e3)) : DAY.format(new Date(time * 1e3)).replace(/ \d{4}$/, "");
        marks3.push(label(Math.max(0, x), height - 5, name2, { "text-anchor": x > 18 ? "middle" : "start" }));
      }
    }
    return marks3;
  }
  function flights(night, at2) {
    const [top, base2] = [24, 96];
    const most = Math.max(1, ...night.in_flight);
    let path = `M${at2(0)} ${base2}`;
    let line3 = "";
    night.in_flight.forEach((value, place2) => {
      const y = base2 - value / most * (base2 - top);
      path += `V${y}H${at2(place2 + 1)}`;
      line3 += `${place2 ? "V" : `M${at2(0)} `}${y}H${at2(place2 + 1)}`;
    });
    return [
      label(0, 12, `In flight, at most ${number(Math.max(...night.in_flight))}`, { class: "name" }),
      draw("path", { class: "flight-area", d: `${path}V${base2}Z` }),
      draw("path", { class: "flight-line", d: line3 })
    ];
  }
  function endings(night, at2) {
    const [top, base2] = [128, 172];
    const sums = night.succeeded.map(
      (value, place2) => value + (night.failed[place2] ?? 0) + (night.in_doubt[place2] ?? 0)
    );
    const most = Math.max(1, ...sums);
    const gap = Math.min(1.5, (at2(1) - at2(0)) * 0.25);
    const bars = [];
    sums.forEach((_, place2) => {
      let y = base2;
      for (const status of ENDS) {
        const value = night[status][place2];
        if (value) {
          const tall = Math.max(status === "succeeded" ? 1.5 : 4, value / most * (base2 - top));
          y -= tall;
          bars.push(
            draw("rect", {
              class: status,
              x: at2(place2) + gap / 2,
              y,
              width: Math.max(1.5, at2(place2 + 1) - at2(place2) - gap),
              height: tall,
              rx: 1
            })
          );
        }
      }
    });
    const each2 = `each ${lasting(night.step)}`;
    return [label(0, 116, `Finished ${each2}, at most ${number(most)}`, { class: "name" }), ...bars];
  }
  function credits(night, at2, width) {
    const [top, base2] = [198, 224];
    const told2 = known3(night);
    const [least, most] = [Math.min(...told2), Math.max(...told2)];
    let line3 = "";
    night.balance.forEach((value, place2) => {
      if (value !== null) {
        const y = most === least ? (top + base2) / 2 : base2 - (value - least) / (most - least) * (base2 - top);
        line3 += line3 ? `H${at2(place2)}V${y}` : `M${at2(place2)} ${y}`;
      }
    });
    return [
      label(0, 190, `Balance ${money(told2[0] ?? 0)}`, { class: "name" }),
      label(width - 2, 190, money(told2.at(-1) ?? 0), { class: "name", "text-anchor": "end" }),
      draw("path", { class: "balance-line", d: `${line3}H${at2(night.in_flight.length)}` })
    ];
  }
  function readNight(move2, picture2) {
    const box = picture2.getBoundingClientRect();
    const count2 = all[chosen2]?.in_flight.length ?? 0;
    const place2 = Math.floor((move2.clientX - box.left) / box.width * count2);
    point(Math.min(count2 - 1, Math.max(0, place2)));
  }
  function point(place2) {
    const night = all[chosen2];
    const line3 = document.querySelector(".night-picture .pointer");
    if (!night || !line3) {
      return;
    }
    line3.classList.toggle("off", place2 < 0);
    const x = String((Math.max(place2, 0) + 0.5) / night.in_flight.length * Math.max(280, drawnWidth));
    line3.setAttribute("x1", x);
    line3.setAttribute("x2", x);
    find(".night-reading").textContent = place2 < 0 ? `${nightWords(night)}.` : reading2(night, place2);
  }
  function reading2(night, place2) {
    const balance = night.balance.slice(0, place2 + 1).findLast((value) => value !== null);
    const ended = ENDS.map((status) => {
      const count2 = night[status][place2] ?? 0;
      return count2 ? `${number(count2)} ${status === "succeeded" ? "finished" : String(STATUS[status]).toLowerCase()}` : "";
    });
    return [
      CLOCK.format(new Date((night.start + place2 * night.step) * 1e3)),
      `${number(night.in_flight[place2] ?? 0)} in flight`,
      ...ended,
      balance === void 0 || balance === null ? "" : money(balance)
    ].filter(Boolean).join(" · ");
  }
  function nightTable(night) {
    const columns2 = ["From", "In flight, at most", "Finished", "Failed", "In doubt", "Balance"];
    const every = Math.ceil(night.in_flight.length / 24);
    const body = make("tbody");
    for (let place2 = 0; place2 < night.in_flight.length; place2 += every) {
      const part2 = (values) => values.slice(place2, place2 + every);
      const told2 = part2(night.balance).findLast((value) => value !== null);
      const cells = [
        Math.max(...part2(night.in_flight)),
        sum(part2(night.succeeded)),
        sum(part2(night.failed)),
        sum(part2(night.in_doubt))
      ].map(number);
      const from = MOMENT.format(new Date((night.start + place2 * night.step) * 1e3));
      body.append(
        make(
          "tr",
          {},
          make("th", { scope: "row" }, from),
          ...[...cells, told2 === void 0 || told2 === null ? "–" : money(told2)].map(
            (cell) => make("td", {}, cell)
          )
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
  var nights = { name: "night", label: "The night", show: showNights };

  // src/unfinished.js
  var ROWS = 100;
  var FOLDED = 12;
  var KINDS = {
    failed: {
      name: "Failed",
      of: (entry) => entry.status === "failed" && entry.settled !== "not_billed" && !entry.standing
    },
    in_doubt: { name: "In doubt", of: (entry) => entry.status === "in_doubt" && !entry.standing },
    accepted: { name: "Waiting at the provider", quiet: true, of: (entry) => entry.standing === "accepted" },
    saved: { name: "Rendered, and not in place", quiet: true, of: (entry) => entry.standing === "saved" },
    missing: { name: "Missing files", of: (entry) => isMissing(entry) && !entry.standing },
    pending: {
      name: "Left to do",
      quiet: true,
      of: (entry) => entry.standing === "changed" || !entry.standing && (entry.status === "pending" || entry.settled === "not_billed")
    }
  };
  var extend = null;
  var drawn4 = /* @__PURE__ */ new Map();
  function extendCommands(extension) {
    extend = extension;
    drawn4.clear();
  }
  function unfinishedCount() {
    const { failed, in_doubt: doubt2, missing } = KINDS;
    return entries.filter((entry) => [failed, doubt2, missing].some((kind) => kind?.of(entry))).length;
  }
  function showUnfinished(entries2) {
    for (const [key, kind] of Object.entries(KINDS)) {
      const all2 = entries.filter(kind.of);
      const block = blockOf(key, all2);
      if (block) {
        block.hidden = Boolean(job?.live) && !all2.length;
        const found2 = entries2.filter(kind.of);
        const now = signature2(all2, found2);
        if (drawn4.get(block) !== now) {
          drawn4.set(block, now);
          showBlock(block, key, all2, found2, entries2);
        }
      }
    }
  }
  function signature2(all2, found2) {
    const told2 = found2.map(({ task: task2, status, error, words: words2, attempts, at_risk: risk }) => [
      task2,
      status,
      error,
      words2?.what,
      attempts,
      risk
    ]);
    return JSON.stringify([all2.length, all2.map((entry) => entry.words?.command), told2]);
  }
  function blockOf(key, all2) {
    const section = find("#unfinished");
    const there = (
      /** @type {HTMLElement | null} */
      section.querySelector(`.block[data-block="${key}"]`)
    );
    if (there || !all2.length) {
      return there;
    }
    const made2 = make(
      "section",
      { class: "block", "data-block": key, "aria-labelledby": `block-${key}` },
      make("h3", { id: `block-${key}` }, KINDS[key]?.name ?? key),
      make("div", { class: "rows" })
    );
    const order2 = Object.keys(KINDS);
    const after2 = [...section.querySelectorAll(".block")].find(
      (each2) => order2.indexOf(each2.getAttribute("data-block") ?? "") > order2.indexOf(key)
    );
    section.insertBefore(made2, after2 ?? null);
    for (const empty of section.querySelectorAll(":scope > .empty")) {
      empty.remove();
    }
    return made2;
  }
  function showBlock(block, key, all2, found2, entries2) {
    const heading2 = find("h3", block);
    if (all2.length && /: [\d,]+$/.test(heading2.textContent ?? "")) {
      heading2.textContent = `${KINDS[key]?.name}: ${number(all2.length)}`;
    }
    const name2 = heading2.textContent ?? "";
    for (const command of block.querySelectorAll(":scope > .command")) {
      dress(
        /** @type {HTMLElement} */
        command,
        key,
        name2,
        all2
      );
    }
    const common = [...block.querySelectorAll(":scope > .command code")].map((code) => code.textContent ?? "");
    if (all2.length && common.length && common.every((command) => command.includes(" in-doubt"))) {
      const there = block.querySelector(":scope > .do.alone");
      const holder = there instanceof HTMLElement ? there : make("div", { class: "do alone", "data-block": key });
      find(".rows", block).before(holder);
      extend?.(holder, { block: key, command: "", entries: all2 });
    }
    const reasons = reasonsOf(found2);
    const rows2 = find(".rows", block);
    if (found2.length && reasons.every((reason2) => !reason2.what)) {
      rows2.replaceChildren(...table(found2, name2, entries2));
    } else if (found2.length) {
      rows2.replaceChildren(...reasons.map((reason2) => reasonBlock(reason2, key, name2, common, entries2)));
    } else {
      rows2.replaceChildren(
        all2.length ? make("p", { class: "empty" }, "None of them matches the filters.") : ""
      );
    }
  }
  function dress(command, key, name2, entries2) {
    const text3 = find("code", command).textContent ?? "";
    if (!command.querySelector("button")) {
      const copy = copier("Copy", text3);
      copy.setAttribute("aria-label", `Copy the command: ${name2}, ${text3}`);
      command.append(copy);
    }
    const after2 = command.nextElementSibling;
    const there = after2 instanceof HTMLElement && after2.matches(".do") ? after2 : null;
    const holder = there ?? make("div", { class: "do", "data-block": key, "data-command": text3 });
    command.after(holder);
    extend?.(holder, { block: key, command: text3, entries: entries2 });
  }
  function reasonsOf(found2) {
    const reasons = /* @__PURE__ */ new Map();
    for (const entry of found2) {
      const { what = "", todo = "", command = "" } = entry.words ?? {};
      const key = JSON.stringify([what, todo, command]);
      const reason2 = reasons.get(key) ?? { what, todo, command, entries: [] };
      reason2.entries.push(entry);
      reasons.set(key, reason2);
    }
    return [...reasons.values()].sort((one, other) => other.entries.length - one.entries.length);
  }
  function reasonBlock(reason2, key, name2, common, entries2) {
    const what = reason2.what || "No reason was given.";
    const part2 = make(
      "div",
      { class: "reason" },
      make("h4", { dir: "auto" }, what, make("span", { class: "tally" }, ` ${number(reason2.entries.length)}`)),
      reason2.todo ? make("p", { dir: "auto" }, reason2.todo) : null
    );
    if (reason2.command && !common.includes(reason2.command)) {
      const command = make("div", { class: "command" }, make("code", {}, reason2.command));
      part2.append(command);
      dress(command, key, what, reason2.entries);
    }
    const rows2 = table(reason2.entries, `${name2}: ${what}`, entries2);
    if (KINDS[key]?.quiet && reason2.entries.length >= FOLDED) {
      const summary2 = make("summary", {}, `Which ${number(reason2.entries.length)} these are`);
      part2.append(make("details", {}, summary2, ...rows2));
    } else {
      part2.append(...rows2);
    }
    return part2;
  }
  function table(found2, name2, entries2) {
    const columns2 = ["Task", "Reason", "Attempts", "At risk", "When"];
    const head = make("tr", { role: "row" });
    head.append(...columns2.map((column) => make("th", { scope: "col", role: "columnheader" }, column)));
    const body = make("tbody", { role: "rowgroup" });
    const sheet2 = make(
      "table",
      { class: "sheet", role: "table" },
      make("caption", { class: "unseen" }, name2),
      make("thead", { role: "rowgroup" }, head),
      body
    );
    const more = button("", () => addRows(body, found2, more, entries2), { class: "quiet" });
    addRows(body, found2, more, entries2);
    return more.hidden ? [sheet2] : [sheet2, make("p", { class: "more" }, more)];
  }
  function addRows(body, found2, more, entries2) {
    const from = body.children.length;
    body.append(...found2.slice(from, from + ROWS).map((entry) => row2(entry, entries2)));
    const left = found2.length - body.children.length;
    more.hidden = left === 0;
    more.textContent = `Show ${number(Math.min(ROWS, left))} more of ${number(left)}`;
  }
  function row2(entry, entries2) {
    const open3 = button(brief(titled(entry), 160), () => openDetail(entry, entries2), {
      class: "link",
      dir: "auto",
      "aria-haspopup": "dialog"
    });
    const code = entry.http_status && entry.status !== "succeeded" ? ` HTTP ${entry.http_status}` : "";
    const why = isMissing(entry) ? `${entry.file} is not beside this page.` : entry.error ?? (entry.words ? "–" : "No reason was given.");
    return make(
      "tr",
      { role: "row" },
      make(
        "th",
        { scope: "row", role: "rowheader" },
        open3,
        make("span", { class: "task" }, entry.file ?? entry.name ?? entry.task)
      ),
      field("Reason", brief(why, 600), code && make("span", { class: "code" }, code)),
      field("Attempts", entry.status === "pending" ? "–" : number(entry.attempts)),
      field("At risk", entry.at_risk ? money(entry.at_risk) : "–"),
      field("When", entry.finished_at ? moment(entry.finished_at) : "–")
    );
  }
  function field(label2, ...children) {
    return make("td", { role: "cell", "data-label": label2, dir: "auto" }, ...children);
  }
  var unfinished = {
    name: "unfinished",
    label: "Unfinished",
    show: showUnfinished,
    badge: unfinishedCount
  };

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
    provide({ again: (entry) => again2([entry]), compare });
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
    extendCommands(extendBlock);
    readAddress();
    refresh();
    if (isLive) {
      startLive();
    }
  }
  function refresh() {
    const view = views.find((each2) => each2.name === asked.view) ?? views[0];
    const found2 = selected();
    showTabs(view?.name ?? "");
    if (shown !== view?.name) {
      views.find((each2) => each2.name === shown)?.hide?.();
      shown = view?.name ?? "";
    }
    for (const each2 of views) {
      find(`#${each2.name}`).hidden = each2 !== view;
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
  function counted2(count2) {
    if (!entries.length) {
      return "No clips yet";
    }
    const all2 = `${number(entries.length)} ${entries.length === 1 ? "clip" : "clips"}`;
    return count2 === entries.length ? all2 : count2 ? `${number(count2)} of ${all2}` : `None of ${all2} matches`;
  }
  openPage();
})();
