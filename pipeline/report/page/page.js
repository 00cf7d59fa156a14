"use strict";
(() => {
  // src/dom.js
  var SVG = "http://www.w3.org/2000/svg";
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== void 0 && value !== false) {
        element.setAttribute(name, value === true ? "" : String(value));
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
  function button(label2, pressed, attributes = {}) {
    const element = make("button", { type: "button", ...attributes }, label2);
    element.addEventListener("click", pressed);
    return element;
  }
  function find(selector, within = document) {
    const found = within.querySelector(selector);
    if (!(found instanceof HTMLElement)) {
      throw new Error(`the page has no ${selector}`);
    }
    return found;
  }
  function data(id) {
    return JSON.parse(document.getElementById(id)?.textContent || "null");
  }
  function announcer(element, delay) {
    let timer = 0;
    return (text2) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        element.textContent = text2;
      }, delay);
    };
  }
  var say = announcer(find("#said"), 50);

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
  var STATUS = { succeeded: "Succeeded", failed: "Failed", in_doubt: "In doubt", pending: "To do" };
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
    const text2 = size2.toLocaleString(LOCALE, {
      minimumFractionDigits: 2,
      maximumFractionDigits: digits
    });
    return `${amount2 < 0 && Number(size2.toFixed(digits)) ? "-" : ""}$${text2}`;
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
  function moment(text2) {
    const when2 = new Date(text2);
    return Number.isNaN(when2.getTime()) ? text2 : MOMENT.format(when2);
  }
  function plain(value) {
    if (typeof value === "boolean") {
      return value ? "yes" : "no";
    }
    return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  function named(name) {
    const words3 = name.replace(/[_-]+/g, " ").trim();
    return words3 ? words3.charAt(0).toUpperCase() + words3.slice(1) : name;
  }
  function spoken(name, value) {
    if (typeof value === "boolean") {
      return value ? named(name).toLowerCase() : `no ${named(name).toLowerCase()}`;
    }
    return name === "aspect_ratio" ? plain(value) : `${named(name).toLowerCase()} ${plain(value)}`;
  }
  function titled(entry) {
    return entry.prompt || entry.task;
  }
  function brief(text2, longest = 120) {
    return text2.length <= longest ? text2 : `${text2.slice(0, longest).trimEnd()}…`;
  }

  // src/model.js
  var MOST_CHOICES = 24;
  var MOST_FACETS = 8;
  var SINGLE = (
    /** @type {const} */
    ["view", "q", "status", "verdict", "sort", "day", "post", "task", "density", "chosen"]
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
      Object.fromEntries(SINGLE.map((name) => [name, ""]))
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
    for (const each2 of given) {
      const entry = (
        /** @type {Entry} */
        { attempts: 1, params: {}, meta: {}, ...each2 }
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
      const place = known2 ? group.indexOf(known2) : -1;
      group[place < 0 ? group.length : place] = entry;
      posts.set(entry.post, group);
      changed.add(entry.task);
    }
    const found = [...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS);
    const known = new Map(facets.map((facet) => [facet.key, facet]));
    facets.splice(0, facets.length, ...found.map((facet) => Object.assign(known.get(facet.key) ?? {}, facet)));
    if (changed.size) {
      emit("entries", changed);
    }
  }
  function replaceAll(given) {
    const there = new Set(given.map((entry) => entry.task));
    const gone = entries.filter((entry) => !there.has(entry.task)).map((entry) => entry.task);
    const news2 = given.filter((entry) => differs(entry, byTask.get(entry.task)));
    const order = given.map((entry) => entry.task).join("\n") !== entries.map((entry) => entry.task).join("\n");
    if (!gone.length && !news2.length && !order) {
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
  function differs(entry, known) {
    return !known || written(entry) !== written(known);
  }
  function written(entry) {
    const told = Object.entries(entry).filter(([name, value]) => name !== "shape" && name !== "text" && value !== void 0);
    return JSON.stringify(told.sort(([one], [other]) => one < other ? -1 : 1));
  }
  function take(words3) {
    const changed = /* @__PURE__ */ new Set();
    for (const word2 of words3) {
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
  function choices(field2, fewest) {
    const values = /* @__PURE__ */ new Map();
    for (const entry of entries) {
      for (const [name, value] of Object.entries(entry[field2])) {
        const there = values.get(name) ?? /* @__PURE__ */ new Set();
        values.set(name, there.add(plain(value)));
      }
    }
    const telling = [...values].filter(
      ([name, distinct]) => name !== "publish" && distinct.size > 1 && distinct.size <= MOST_CHOICES && (distinct.size <= fewest || distinct.size <= entries.length / 3) && [...distinct].every((value) => value.length <= 60)
    );
    return telling.map(([name, distinct]) => ({
      key: `${field2}.${name}`,
      field: field2,
      name,
      values: [...distinct].sort(natural)
    }));
  }
  var natural = new Intl.Collator(LOCALE, { numeric: true }).compare;
  function published(entry) {
    const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d))?/.exec(String(entry.publish ?? entry.meta.publish ?? ""));
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
  function matches(entry) {
    const { q, status, verdict, day, post: post2 } = asked;
    return (!status || (SPECIAL[status]?.(entry) ?? entry.status === status)) && (!verdict || (verdict === "none" ? isUnseen(entry) : entry.verdict === verdict)) && (!day || published(entry)?.day === day) && (!post2 || entry.post === post2) && [...asked.facets].every(
      ([facet, value]) => facet.name in entry[facet.field] && plain(entry[facet.field][facet.name]) === value
    ) && q.toLowerCase().split(/\s+/).every((word2) => text(entry).includes(word2));
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
    const found = entries.filter(matches);
    const order = ORDERS[asked.sort]?.[1];
    return order ? found.sort(order) : found;
  }
  function readAddress() {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const name of SINGLE) {
      asked[name] = said.get(name) ?? "";
    }
    asked.sort = asked.sort in ORDERS ? asked.sort : "";
    asked.facets.clear();
    for (const facet of facets) {
      const value = said.get(facet.key);
      if (value !== null && facet.values.includes(value)) {
        asked.facets.set(facet, value);
      }
    }
  }
  function writeAddress() {
    const said = new URLSearchParams();
    for (const name of SINGLE) {
      if (asked[name]) {
        said.set(name, asked[name]);
      }
    }
    for (const [facet, value] of asked.facets) {
      said.set(facet.key, value);
    }
    const hash = String(said);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }
  merge(data("entries") ?? []);

  // src/gallery.js
  var PAGE = 48;
  var AREA = 76e3;
  var TALLEST = 9 / 16;
  var NARROWEST = 120;
  var MOST_GROWTH = 1.5;
  var clips = find("#gallery .clips");
  var moreClips = find("#gallery .more button");
  var shown = [];
  var made = 0;
  var openRow = 0;
  var target = 0;
  new IntersectionObserver(
    ([change]) => {
      if (change.isIntersecting && !moreClips.hidden) {
        addPage();
      }
    },
    { rootMargin: "900px 0px" }
  ).observe(moreClips);
  var lastWidth = 0;
  new ResizeObserver(() => {
    if (clips.clientWidth !== lastWidth) {
      lastWidth = clips.clientWidth;
      justify();
    }
  }).observe(clips);
  moreClips.addEventListener("click", () => {
    const first = clips.children.length;
    addPage();
    find("button", clips.children[first] ?? clips)?.focus();
  });
  function showGallery(entries2) {
    letGo(clips);
    clips.replaceChildren();
    [shown, made] = [entries2, 0];
    openRow = 0;
    target = rowHeight(entries2);
    addPage();
  }
  function rowHeight(entries2) {
    const some = entries2.slice(0, 200);
    const sum2 = some.reduce((total, entry) => total + (ratio(entry) || 16 / 9), 0);
    return Math.sqrt(AREA / (some.length ? sum2 / some.length : 16 / 9));
  }
  function addPage() {
    const page = shown.slice(made, made + PAGE);
    made += page.length;
    clips.append(...page.map(card));
    const left = shown.length - made;
    justify(openRow);
    moreClips.hidden = left === 0;
    moreClips.textContent = `Show ${number(Math.min(PAGE, left))} more of ${number(left)}`;
  }
  function shape(entry) {
    return Math.max(ratio(entry) || 16 / 9, TALLEST);
  }
  function justify(from = 0) {
    const width = clips.clientWidth;
    const gap = parseFloat(getComputedStyle(clips).columnGap);
    const scale = Number(getComputedStyle(document.documentElement).getPropertyValue("--scale"));
    const aim = target * scale;
    const fitting = (sum3, count2) => (width - 1 - gap * (count2 - 1)) / sum3;
    let [start2, sum2] = [from, 0];
    for (let place = from; place < made && width; place += 1) {
      const wider = sum2 + shape(shown[place]);
      const [now, then] = [fitting(sum2, place - start2), fitting(wider, place - start2 + 1)];
      const narrowest = then * Math.min(...shown.slice(start2, place + 1).map(shape));
      if (place > start2 && (now * then <= aim * aim || narrowest < NARROWEST)) {
        setRow(start2, place, Math.min(now, aim * MOST_GROWTH));
        [start2, sum2] = [place, shape(shown[place])];
      } else {
        sum2 = wider;
      }
    }
    setRow(start2, made, Math.min(fitting(sum2, made - start2), aim));
    openRow = start2;
  }
  function setRow(start2, end, height) {
    for (let place = start2; place < end; place += 1) {
      clips.children[place].style.setProperty("--height", `${height.toFixed(2)}px`);
    }
  }
  function card(entry) {
    const item = make("li", { class: `card ${entry.status}` });
    item.style.setProperty("--ratio", String(ratio(entry) || 16 / 9));
    const stage = make("div", { class: "stage" }, picture(entry, item));
    item.append(stage, words(entry));
    return item;
  }
  function words(entry) {
    const details = button(
      "Details",
      () => {
        openDetail(entry, shown);
      },
      {
        class: "link",
        "aria-label": `Details: ${brief(titled(entry), 60)}`,
        "aria-haspopup": "dialog"
      }
    );
    return make(
      "div",
      { class: "words" },
      make(
        "h3",
        { title: titled(entry).length > 140 ? brief(titled(entry), 600) : null },
        brief(titled(entry), 400)
      ),
      make("p", { class: "params" }, parameters(entry)),
      make("p", { class: "line" }, ...line(entry), details)
    );
  }
  function parameters(entry) {
    const short = Object.entries(entry.params).map(([name, value]) => spoken(name, value));
    return short.filter((said) => said.length <= 32).slice(0, 5).join(" · ");
  }
  function line(entry) {
    const said = [];
    if (entry.cost !== void 0) {
      said.push(make("span", {}, money(entry.cost)));
    }
    if (entry.duration_s !== void 0) {
      said.push(make("span", {}, lasting(entry.duration_s)));
    }
    if (takeOf(entry)) {
      said.push(
        button(
          `Take ${takeOf(entry)}`,
          () => {
            ask({ takes: entry.group, view: "" });
          },
          {
            class: "link",
            title: "Show these takes side by side"
          }
        )
      );
    }
    if (isFlagged(entry)) {
      said.push(make("span", { class: "mark flag", title: entry.flags.join("; ") }, "Not as expected"));
    }
    if (entry.standing) {
      said.push(make("span", { class: "mark" }, named(entry.standing)));
    }
    return said;
  }
  var gallery = { name: "gallery", label: "Clips", show: showGallery };

  // src/media.js
  var calm = matchMedia("(prefers-reduced-motion: reduce)");
  var loaders = /* @__PURE__ */ new WeakMap();
  var loaded = /* @__PURE__ */ new Set();
  var playing = null;
  var nearby = new IntersectionObserver(
    (changes) => {
      for (const { target: target2, isIntersecting } of changes) {
        const loader = loaders.get(target2);
        if (isIntersecting && !loaded.has(target2)) {
          loaded.add(target2);
          loader.load();
        } else if (!isIntersecting && loaded.has(target2)) {
          loaded.delete(target2);
          loader.unload();
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
        loaders.get(holder).unload();
      }
    }
  }
  function ratio(entry) {
    if (entry.shape) {
      return entry.shape;
    }
    if (entry.media?.width > 0 && entry.media.height > 0) {
      return Math.min(Math.max(entry.media.width / entry.media.height, 0.1), 10);
    }
    const { aspect_ratio: aspect, width, height } = entry.params;
    const parts = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(aspect ?? "");
    const known = parts ? parts[1] / parts[2] : width / height;
    return known > 0.1 && known < 10 ? known : 0;
  }
  function picture(entry, holder, { thumb = false } = {}) {
    if (entry.status !== "succeeded") {
      return reason(entry);
    }
    if (entry.missing || !entry.src) {
      return absent(entry);
    }
    const makers = { video: thumb ? still : player, image, audio: thumb ? noPicture : audio };
    return (makers[entry.kind] ?? noPicture)(entry, holder);
  }
  function reason(entry) {
    return make(
      "div",
      { class: `instead ${entry.status}` },
      make("strong", {}, STATUS[entry.status]),
      make("span", {}, entry.error ?? entry.words?.what ?? "No reason was given.")
    );
  }
  function absent(entry) {
    return make(
      "div",
      { class: "instead absent" },
      make("strong", {}, "Not here"),
      make(
        "span",
        {},
        entry.file ? `${entry.file} is not beside this page, or cannot be played here.` : "No file was recorded."
      )
    );
  }
  function noPicture(entry) {
    return make("div", { class: "instead" }, make("strong", {}, "File"), make("span", {}, entry.file));
  }
  function bindSource(element, entry, holder) {
    element.addEventListener("error", () => {
      if (element.hasAttribute("src")) {
        (element.closest(".screen") ?? element).replaceWith(absent(entry));
      }
    });
    watch(holder, {
      load() {
        element.src = entry.src;
      },
      unload() {
        element.removeAttribute("src");
        element.load?.();
      }
    });
  }
  function image(entry, holder) {
    const element = make("img", { alt: brief(titled(entry)), decoding: "async" });
    bindSource(element, entry, holder);
    return element;
  }
  function audio(entry, holder) {
    const element = make("audio", { controls: true, preload: "metadata", "aria-label": brief(titled(entry)) });
    bindSource(element, entry, holder);
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
    element.muted = true;
    element.defaultMuted = true;
    return element;
  }
  function still(entry, holder) {
    const element = video(entry);
    element.setAttribute("aria-hidden", "true");
    bindSource(element, entry, holder);
    return element;
  }
  function player(entry, holder) {
    const clip = video(entry);
    const cover = make("button", {
      type: "button",
      class: "play",
      "aria-label": `Play: ${brief(titled(entry))}`
    });
    const screen = make("div", { class: "screen" }, clip, cover);
    cover.addEventListener("click", () => {
      start(clip, cover);
    });
    clip.addEventListener("loadedmetadata", () => {
      fit(holder, entry, clip);
    });
    preview(screen, clip, cover);
    bindSource(clip, entry, holder);
    const loader = loaders.get(holder);
    loaders.set(holder, {
      load: loader.load,
      unload() {
        rest(clip, cover);
        loader.unload();
      }
    });
    return screen;
  }
  function start(clip, cover) {
    if (playing && playing !== clip) {
      playing.pause();
    }
    playing = clip;
    clip.controls = true;
    cover.hidden = true;
    clip.focus({ preventScroll: true });
    clip.play().catch(() => {
    });
  }
  function rest(clip, cover) {
    clip.pause();
    clip.controls = false;
    cover.hidden = false;
  }
  function preview(screen, clip, cover) {
    let timer = 0;
    screen.addEventListener("pointerenter", (event2) => {
      if (event2.pointerType === "mouse" && !calm.matches) {
        timer = setTimeout(() => {
          clip.play().catch(() => {
          });
        }, 150);
      }
    });
    screen.addEventListener("pointerleave", () => {
      clearTimeout(timer);
      if (!cover.hidden && !clip.paused) {
        clip.pause();
        clip.currentTime = 0;
      }
    });
  }
  function fit(holder, entry, clip) {
    if (!ratio(entry) && clip.videoWidth) {
      entry.shape = clip.videoWidth / clip.videoHeight;
      holder.style.setProperty("--ratio", String(entry.shape));
      requestAnimationFrame(() => {
        justify();
      });
    }
  }

  // src/detail.js
  var dialog = document.getElementById("detail");
  var around = [];
  dialog.addEventListener("close", () => {
    letGo(dialog);
    dialog.replaceChildren();
    if (asked.task) {
      ask({ task: "" });
    }
  });
  dialog.addEventListener("click", (event2) => {
    if (event2.target === dialog) {
      dialog.close();
    }
  });
  function openDetail(entry, entries2) {
    around = entries2;
    if (asked.task !== entry.task) {
      ask({ task: entry.task });
      return;
    }
    letGo(dialog);
    dialog.replaceChildren(...detail(entry));
    if (!dialog.open) {
      dialog.showModal();
    }
    dialog.scrollTop = 0;
  }
  function detail(entry) {
    const stage = make("div", { class: "stage" });
    stage.style.setProperty("--ratio", String(ratio(entry) || 16 / 9));
    stage.append(picture(entry, stage));
    const title = make("h2", { id: "detail-title", tabindex: "-1", autofocus: true }, titled(entry));
    const close = button(
      "Close",
      () => {
        dialog.close();
      },
      { class: "quiet" }
    );
    const body = make(
      "div",
      { class: `detail-body${ratio(entry) && ratio(entry) < 1 ? " tall" : ""}` },
      stage,
      make("div", { class: "detail-text" }, title, actions(entry), facts(entry))
    );
    return [make("div", { class: "detail-bar" }, ...steps(entry), close), body];
  }
  function steps(entry) {
    const place = around.indexOf(entry);
    const step = (label2, by) => {
      const next = around[place + by];
      const element = button(
        label2,
        () => {
          openDetail(next, around);
          (find(`[data-by="${by}"]:not(:disabled)`, dialog) ?? find(".detail-bar button:last-child", dialog)).focus();
        },
        { class: "quiet", "data-by": by }
      );
      element.disabled = place < 0 || !next;
      return element;
    };
    const where = place < 0 ? "" : `${number(place + 1)} of ${number(around.length)}`;
    return [step("Previous", -1), step("Next", 1), make("span", { class: "where" }, where)];
  }
  function actions(entry) {
    const row2 = make("p", { class: "actions" });
    if (entry.prompt) {
      row2.append(copier("Copy prompt", entry.prompt));
    }
    if (entry.src && entry.status === "succeeded" && !entry.missing) {
      row2.append(
        make("a", { href: entry.src, class: "quiet", target: "_blank", rel: "noopener" }, "Open the file")
      );
    }
    return row2;
  }
  function copier(label2, words3) {
    return button(
      label2,
      async () => {
        say(await copied(words3) ? "Copied." : "Copying is not allowed here: select the text instead.");
      },
      { class: "quiet" }
    );
  }
  async function copied(words3) {
    try {
      await navigator.clipboard.writeText(words3);
      return true;
    } catch {
      const field2 = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
      field2.value = words3;
      const before = document.activeElement;
      (dialog.open ? dialog : document.body).append(field2);
      field2.select();
      const done2 = document.execCommand("copy");
      field2.remove();
      before?.focus({ preventScroll: true });
      return done2;
    }
  }
  function facts(entry) {
    const list = make("dl", { class: "facts" });
    const fact = (name, value) => {
      if (value !== void 0 && value !== null && value !== "") {
        list.append(make("div", {}, make("dt", {}, name), make("dd", {}, value)));
      }
    };
    fact("Status", STATUS[entry.status] + standing(entry));
    fact("Settled", SETTLED[entry.settled]);
    fact("Reason", entry.error);
    fact("Not as expected", entry.flags?.join("; "));
    fact("Model", entry.model);
    for (const [name, value] of Object.entries(entry.params)) {
      fact(named(name), plain(value));
    }
    for (const [name, value] of Object.entries(entry.meta)) {
      fact(named(name), plain(value));
    }
    fact("Cost", entry.cost === void 0 ? null : money(entry.cost));
    fact("At risk", entry.at_risk ? money(entry.at_risk) : null);
    fact("Took", entry.duration_s === void 0 ? null : lasting(entry.duration_s));
    fact("Attempts", entry.attempts > 1 ? number(entry.attempts) : null);
    fact("Take", takeOf(entry));
    fact("Finished", entry.finished_at ? moment(entry.finished_at) : null);
    fact("File", entry.file);
    media(entry.media ?? {}, fact);
    fact("Size", entry.bytes === void 0 ? null : size(entry.bytes));
    fact("HTTP status", entry.http_status === void 0 ? null : String(entry.http_status));
    fact("Request", entry.request_id);
    fact("Task", entry.task);
    return list;
  }
  function media(found, fact) {
    const known = (value) => value !== void 0 && value !== null;
    fact("Picture", known(found.width) ? `${found.width} × ${found.height}` : null);
    fact("Duration", known(found.duration_s) ? lasting(found.duration_s) : null);
    fact("Codec", found.codec);
    fact("Sound", known(found.audio) ? plain(found.audio) : null);
    fact("Content credentials", known(found.content_credentials) ? plain(found.content_credentials) : null);
  }
  function standing(entry) {
    const words3 = {
      changed: " · changed in the job since",
      former: " · no longer in the job",
      accepted: " · waiting at the provider",
      saved: " · not in place yet"
    };
    return words3[entry.standing] ?? "";
  }
  function takeOf(entry) {
    const group = posts.get(entry.post).filter((each2) => each2.group === entry.group);
    return group.length > 1 ? `${group.indexOf(entry) + 1} of ${group.length}` : null;
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
      ...names.map((name) => month(name, days, entries2)),
      remark(undated, unread, names.length)
    );
  }
  function remark(undated, unread, dated2) {
    const count2 = `${number(undated)} ${undated === 1 ? "clip has" : "clips have"} no date of publication`;
    const why = unread ? ` that can be read: “${brief(unread, 40)}” is none, 2026-12-01 would be one.` : ".";
    const how = "Give prompts a “publish” date under “meta” in the job file, and they appear here.";
    return make(
      "p",
      { class: "empty" },
      undated ? `${count2}${why} ${dated2 || unread ? "" : how}` : dated2 ? "" : "Nothing matches."
    );
  }
  function jumps(names) {
    const row2 = make("ul", { role: "list" });
    for (const name of names) {
      const link = button(
        monthName(name),
        () => {
          const table2 = document.getElementById(`month-${name}`);
          table2.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
          table2.focus({ preventScroll: true });
        },
        { class: "quiet" }
      );
      row2.append(make("li", {}, link));
    }
    return make("nav", { class: "jumps", "aria-label": "Months" }, row2);
  }
  function monthName(name) {
    return MONTH.format(/* @__PURE__ */ new Date(`${name}-01T00:00:00Z`));
  }
  function month(name, days, entries2) {
    const [year, ofYear] = name.split("-").map(Number);
    const first = Date.UTC(year, ofYear - 1, 1);
    const length = new Date(Date.UTC(year, ofYear, 0)).getUTCDate();
    const before = (new Date(first).getUTCDay() + 6) % 7;
    const body = make("tbody", { role: "rowgroup" });
    for (let week = -before; week < length; week += 7) {
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
      { class: "month", id: `month-${name}`, role: "table", tabindex: "-1" },
      make("caption", {}, monthName(name)),
      weekdays(),
      body
    );
  }
  function weekdays() {
    const row2 = make("tr", { role: "row" });
    for (let day = 0; day < 7; day += 1) {
      const name = WEEKDAY.format(new Date(MONDAY + day * A_DAY));
      row2.append(make("th", { scope: "col", role: "columnheader" }, name));
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
      const list = make("ul", { class: here.length === 1 ? "alone" : "several", role: "list" });
      list.append(...here.slice(0, MOST_A_DAY).map((entry) => event(entry, entries2)));
      cell.append(list, andMore(day, here.length - MOST_A_DAY));
    }
    return cell;
  }
  function andMore(day, count2) {
    return count2 <= 0 ? "" : button(
      `${number(count2)} more`,
      () => {
        ask({ day, view: "" });
      },
      {
        class: "link",
        "aria-label": `${number(count2)} more on ${DATE.format(new Date(day))}`
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
    const thumb = make("span", { class: "thumb" });
    if (entry.status === "succeeded") {
      thumb.append(picture(entry, element, { thumb: true }));
    } else {
      thumb.append(make("span", { class: "why" }, brief(entry.error ?? "", 120)));
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
    element.append(thumb, label2);
    return make("li", {}, element);
  }
  var calendar = { name: "calendar", label: "Calendar", show: showCalendar };

  // src/filters.js
  var search = make("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search prompts, names, notes and reasons",
    autocomplete: "off",
    spellcheck: "false"
  });
  function startFilters() {
    search.addEventListener("input", () => {
      ask({ q: search.value.trim() });
    });
    find(".filters").append(search);
  }
  function showFilters() {
    if (document.activeElement !== search) {
      search.value = asked.q;
    }
  }

  // src/keys.js
  function startKeys() {
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
    const words3 = {
      running: "Running",
      paused: "Paused",
      waiting: "Waiting",
      stopping: "Stopping",
      ended: "Not running"
    };
    if (state2.state === "ended" && done(state2)) {
      return state2.counts.succeeded === state2.counts.total ? "Finished" : "Ended";
    }
    return words3[state2.state];
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
    const rest3 = [failed ? `${number(failed)} failed` : "", doubt2 ? `${number(doubt2)} in doubt` : ""].filter(Boolean).join(", ");
    const eta = state2.running && state2.eta_s && state2.eta_s > 0 ? `about ${span(state2.eta_s)} left` : "";
    return [`${number(succeeded)} of ${number(total)} ready`, rest3, eta].filter(Boolean).join(" · ");
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
    const words3 = /\bsettle\b/.test(action.what) ? SETTLE_CODES : RUN_CODES;
    return action.code === null ? "ended" : words3.get(action.code) ?? `ended with code ${action.code}`;
  }

  // src/action-log.js
  var KEPT_ACTIONS = 6;
  var SHOWN_LINES = 40;
  var actions2 = /* @__PURE__ */ new Map();
  var log = make("details", { class: "live-log", hidden: true });
  function showAction(action) {
    const before = actions2.get(action.id);
    actions2.delete(action.id);
    actions2.set(action.id, action);
    for (const id of [...actions2.keys()].slice(0, -KEPT_ACTIONS)) {
      actions2.delete(id);
    }
    if (before?.running !== action.running && !action.running) {
      say(`${action.what}: ${outcome(action)}`);
    }
    showLog();
  }
  function showLog() {
    const shown3 = [...actions2.values()].reverse();
    const [latest] = shown3;
    if (!latest) {
      return;
    }
    const ended = !latest.running && latest.code !== 0;
    log.hidden = false;
    const summary = make(
      "summary",
      {},
      make("code", {}, latest.what),
      make("span", { class: ended ? "fault" : "soft" }, ` ${outcome(latest)}`)
    );
    const last = latest.lines.at(-1);
    if (latest.running && last) {
      summary.append(make("span", { class: "soft last-line" }, ` · ${last}`));
    }
    const parts = shown3.flatMap((action) => [
      make("p", { class: "log-head" }, make("code", {}, action.what), ` ${outcome(action)}`),
      make(
        "pre",
        { tabindex: "0", role: "group", "aria-label": `What ${action.what} says` },
        action.lines.slice(-SHOWN_LINES).join("\n") || "…"
      )
    ]);
    const focused2 = log.contains(document.activeElement);
    log.replaceChildren(summary, make("div", { class: "log-body" }, ...parts));
    if (focused2) {
      summary.focus({ preventScroll: true });
    }
  }

  // src/ask-first.js
  async function askFirst({ title, body, yes, act }) {
    const words3 = make(
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
      words3,
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
      words3.replaceChildren(...(await body()).filter((each2) => each2 !== null && each2 !== void 0));
      go.disabled = false;
      go.focus();
    } catch (error) {
      words3.replaceChildren();
      fault2.textContent = sentence(error);
    }
    words3.removeAttribute("aria-busy");
    await closed;
    dialog2.remove();
    return done2;
  }
  function sentence(error) {
    const text2 = error instanceof Error ? error.message : String(error);
    return `${text2.charAt(0).toUpperCase()}${text2.slice(1)}${/[.!?]$/.test(text2) ? "" : "."}`;
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
    return Object.fromEntries(names.map((name) => [name, test]));
  }
  function passing(given, tests) {
    return Object.fromEntries(
      Object.entries(tests).flatMap(([name, test]) => test(given[name]) ? [[name, given[name]]] : [])
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
    return objects(given).map(({ task, verdict, note, by, at: at2, sha256 }) => ({
      task: String(task),
      verdict: verdict === "kept" || verdict === "rejected" ? verdict : null,
      note: typeof note === "string" ? note : null,
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
          (word2) => given.running === true && word2 === given.state
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
  async function get(name) {
    return await call(name, { headers: { Accept: "application/json" } });
  }
  async function post(name, body) {
    return await call(name, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body)
    });
  }
  async function call(name, how) {
    const answer = await fetch(base + name, { ...how, cache: "no-store" }).catch(() => null);
    if (!answer) {
      throw new Refused(`${AWAY}: is \`pipeline view\` still running?`, 0);
    }
    if (answer.status === 401) {
      throw new Refused(`${OVER}: ${HOW_BACK}`, 401);
    }
    const told = await answer.json().catch(() => null);
    if (!answer.ok) {
      const said = [told?.error, told?.hint].filter((each2) => typeof each2 === "string" && each2);
      throw new Refused(said.join(": ") || `the server answers ${answer.status}`, answer.status);
    }
    if (told === null || typeof told !== "object") {
      throw new Refused("the server's answer cannot be read: load the page again", answer.status);
    }
    return told;
  }

  // src/again.js
  var SHOWN = 5;
  async function startAgain(which) {
    const rejected = which === "rejected";
    const clips2 = rejected ? entries.filter((entry) => entry.verdict === "rejected") : which;
    const again2 = rejected ? which : clips2.map((entry) => entry.task);
    const what = rejected ? `${clipsOf(clips2.length, "rejected ")}` : clipsOf(clips2.length);
    return await startRun(
      `Render ${what} again?`,
      { again: again2 },
      clips2,
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
  async function startRun(title, request, clips2, note) {
    const started2 = await askFirst({
      title,
      yes: "Start the run",
      body: async () => priced(await get(`price${query(request)}`), clips2, note),
      act: async () => await post("run", request)
    });
    if (started2) {
      say("The run is starting.");
    }
    return started2;
  }
  function query(request) {
    const asked2 = new URLSearchParams();
    for (
      const name of
      /** @type {const} */
      ["again", "retry"]
    ) {
      for (const value of [request[name] ?? []].flat()) {
        asked2.append(name, value);
      }
    }
    return asked2.size ? `?${asked2}` : "";
  }
  function priced(told, clips2, note) {
    const tasks = count(Array.isArray(told.tasks) ? told.tasks.length : told.tasks);
    const skipped = count(Array.isArray(told.kept_skipped) ? told.kept_skipped.length : told.kept_skipped);
    if (!tasks) {
      throw new Error(skipped ? `there is nothing to render: ${kept(skipped)}` : "there is nothing to render");
    }
    const price = told.price === null || told.price === void 0 ? "at a price that is not known" : `for about ${money(amount(told.price))}`;
    const shown3 = skipped ? clips2.filter((entry) => entry.verdict !== "kept") : clips2;
    const left = shown3.length - SHOWN;
    return [
      make("p", {}, make("strong", {}, `${clipsOf(tasks)} ${tasks === 1 ? "is" : "are"} rendered ${price}.`)),
      shown3.length ? make(
        "ul",
        { class: "question-clips" },
        ...shown3.slice(0, SHOWN).map((entry) => make("li", { dir: "auto" }, brief(titled(entry), 90))),
        left > 0 ? make("li", { class: "soft" }, `and ${number(left)} more`) : null
      ) : null,
      make(
        "p",
        { class: "soft" },
        [skipped ? `${sentenceCase(kept(skipped))}.` : "", tasks && note ? note : ""].filter(Boolean).join(" ")
      )
    ];
  }
  function kept(skipped) {
    return skipped === 1 ? "one is kept, and stays as it is" : `${number(skipped)} are kept, and stay as they are`;
  }
  function sentenceCase(text2) {
    return text2.charAt(0).toUpperCase() + text2.slice(1);
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
    const words3 = `${number(Number(rate.toFixed(rate < 10 ? 1 : 0)))} a minute`;
    const picture2 = draw("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      "aria-hidden": "true"
    });
    const step = WIDTH / STEPS;
    picture2.append(
      ...counts.map((each2, place) => {
        const height = each2 ? Math.max(1.5, each2 / most * HEIGHT) : 1;
        return draw("rect", {
          x: place * step,
          y: HEIGHT - height,
          width: step - 1,
          height,
          class: each2 ? "bar-on" : "bar-off"
        });
      })
    );
    return [picture2, make("span", { title: `In the last ${MINUTES} minutes` }, words3)];
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
    const found = new Array(STEPS).fill(0);
    const since = new Date((now - MINUTES * 60) * 1e3).toISOString().slice(0, 19);
    for (const { status, finished_at: finished } of entries) {
      if (status === "succeeded" && finished && finished >= since) {
        const ago = now - Date.parse(finished) / 1e3;
        const place = STEPS - 1 - Math.floor(Math.max(ago, 0) * STEPS / (MINUTES * 60));
        if (place >= 0) {
          found[place] += 1;
        }
      }
    }
    return found;
  }

  // src/control.js
  var state = null;
  var dot = make("span", { class: "dot", "aria-hidden": "true" });
  var word = make("strong", { class: "state-word" }, "Connecting…");
  var detail2 = make("span", { class: "state-detail" });
  var progress = make("span", { class: "live-progress" });
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
    const bar = find("#live");
    bar.setAttribute("role", "region");
    bar.setAttribute("aria-label", "The run");
    const others = job?.live?.jobs ?? 1;
    bar.append(
      ...others > 1 ? [make("a", { href: "../", class: "all-jobs" }, `All ${number(others)} jobs`)] : [],
      make("p", { class: "live-state" }, dot, word, " ", detail2),
      make("div", { class: "live-middle" }, progress, reading, pace),
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
    bar.hidden = false;
    on("entries", showButtons);
    on("said", showButtons);
  }
  function showState(now) {
    const before = state?.state;
    state = now;
    find("#live").dataset.state = now.state;
    put(word, stateWord(now));
    put(detail2, stateDetail(now));
    detail2.title = now.detail ?? "";
    progress.replaceChildren(shares(now));
    put(reading, progressWords(now));
    amounts.replaceChildren(
      ...figures(now).map(
        ([name, value, kind]) => make("div", { class: kind }, make("dt", {}, name), make("dd", {}, value))
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
    if (before && before !== now.state) {
      say([stateWord(now), stateDetail(now)].filter(Boolean).join(": "));
    }
  }
  function showConnection(words3) {
    put(connection, words3);
    find("#live").toggleAttribute("data-away", Boolean(words3));
  }
  function showFault(words3) {
    put(trouble, words3);
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
      const told = await post("control", value === void 0 ? { action } : { action, value });
      const warnings = Array.isArray(told.warnings) ? told.warnings : [];
      say([told.changed, ...warnings].filter((each2) => typeof each2 === "string").join(". ") || "Done.");
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
  function put(element, text2) {
    if (element.textContent !== text2) {
      element.textContent = text2;
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
    const told = JSON.stringify([
      block,
      command,
      entries2.map(({ task, at_risk, prompt }) => [task, at_risk, prompt])
    ]);
    if (filled.get(container) !== told) {
      filled.set(container, told);
      const fits = block !== "in_doubt" || !command || !command.includes("in-doubt");
      container.replaceChildren(...fits && DO[block]?.(entries2) || []);
    }
  }
  var DO = {
    failed: () => [line2(button("Try again…", () => void retry("failed"), { class: "quiet" }))],
    missing: () => [line2(button("Render again…", () => void retry("missing"), { class: "quiet" }))],
    pending: () => [rest2()],
    accepted: () => [rest2()],
    saved: () => [rest2()],
    in_doubt: doubts
  };
  function line2(...children) {
    return make("p", { class: "do-line" }, ...children);
  }
  function rest2() {
    return line2(
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
    const list = make("ul", { class: "doubts", role: "list" }, ...entries2.slice(0, SHOWN2).map(doubt));
    const more = entries2.length - SHOWN2;
    return [
      line2(ask2, make("span", { class: "soft" }, "Free. Or say what the account's page says of each:")),
      fault2,
      list,
      ...more > 0 ? [make("p", { class: "soft" }, `and ${number(more)} more: filter them, or say it of these first.`)] : []
    ];
  }
  function doubt(entry) {
    const name = brief(titled(entry), 90);
    const say1 = (word2) => button(
      `${WORDS[word2][0]}…`,
      () => {
        void settle(entry, word2);
      },
      {
        class: "quiet slim",
        "aria-label": `${WORDS[word2][0]}: ${name}`
      }
    );
    return make(
      "li",
      { "data-task": entry.task },
      make("span", { class: "doubt-name", dir: "auto" }, name),
      make("span", { class: "doubt-price" }, entry.at_risk ? money(entry.at_risk) : ""),
      say1("billed"),
      say1("not_billed")
    );
  }
  async function settle(entry, word2) {
    const [label2, question, effect] = WORDS[word2];
    const said = await askFirst({
      title: `${entry.at_risk ? money(entry.at_risk) : "This clip"} ${question}`,
      body: () => [
        make("p", { dir: "auto" }, brief(titled(entry), 200)),
        make("p", { class: "soft" }, `${effect} A word is said once; a second one is refused.`)
      ],
      yes: label2,
      act: async () => await post("settle", { tasks: [entry.task], word: word2 })
    });
    if (said) {
      say(`${label2}: noted.`);
    }
  }

  // src/live.js
  var PATIENCE = 2e3;
  var RETRY = 4e3;
  var PAUSE = 4;
  var news = /* @__PURE__ */ new Map();
  var words2 = /* @__PURE__ */ new Map();
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
  function extendBlock(container, doing) {
    if (isLive) {
      fillDo(container, doing);
    }
  }
  function listen() {
    const source = new EventSource(`${base}events${after ? `?after=${encodeURIComponent(after)}` : ""}`);
    const hear = (kind, heard) => {
      source.addEventListener(kind, (event2) => {
        const told = parsed(event2.data);
        if (told !== void 0) {
          heard(told);
        }
      });
    };
    hear("entries", (told) => {
      for (const entry of readEntries(told)) {
        news.set(entry.task, entry);
      }
      plan();
    });
    hear("said", (told) => {
      for (const word2 of readSaid(told)) {
        words2.set(`${word2.task}
${word2.sha256}`, word2);
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
  function parsed(text2) {
    try {
      return JSON.parse(text2);
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
        const told = await get("data");
        news.clear();
        if (Array.isArray(told.entries)) {
          replaceAll(readEntries(told.entries));
        }
        hearState(told.state);
        for (const action of objects(told.actions)) {
          hearAction(action);
        }
        after = typeof told.after === "string" ? told.after : "";
      } catch (error) {
        if (error instanceof Refused && error.status > 0) {
          showFault(error.message);
        }
        return;
      }
    }
  }
  function hearState(told) {
    const state2 = readState(told);
    if (typeof told?.error === "string") {
      showFault([told.error, told.hint].filter((each2) => typeof each2 === "string").join(": "));
    } else if (state2) {
      showFault("");
      showState(state2);
    }
  }
  function hearAction(told) {
    const action = readAction(told);
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
    const said = [...words2.values()];
    news.clear();
    words2.clear();
    const back = focused();
    if (changed.length) {
      merge(changed);
    }
    if (said.length) {
      take(said);
    }
    back();
    setTimeout(
      () => {
        planned = false;
        if (news.size || words2.size) {
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
    const task = CSS.escape(home.getAttribute("data-task") ?? "");
    const place = [home, ...home.querySelectorAll("a, button, input, textarea, [tabindex]")].indexOf(element);
    return () => {
      if (!element.isConnected) {
        const again2 = document.querySelector(`[data-task="${task}"]`);
        const found = again2 && [again2, ...again2.querySelectorAll("a, button, input, textarea, [tabindex]")][place];
        if (found instanceof HTMLElement) {
          found.focus({ preventScroll: true });
        }
      }
    };
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
    NIGHTS.forEach((each2, place) => {
      select.append(make("option", { value: place }, when(each2)));
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
  function when(each2) {
    const [from, to] = [new Date(each2.start * 1e3), new Date(each2.end * 1e3)];
    const far = DAY.format(from) !== DAY.format(to);
    return `${DAY.format(from)}, ${CLOCK.format(from)} – ${far && each2.end - each2.start > 86400 ? `${DAY.format(to)}, ` : ""}${CLOCK.format(to)}`;
  }
  function sum(values) {
    return values.reduce((total, value) => total + value, 0);
  }
  function nightWords() {
    const [succeeded, doubt2, failed] = ENDS.map((status) => sum(night[status]));
    const told = night.balance.filter((value) => value !== null);
    return [
      `At most ${number(Math.max(...night.in_flight))} in flight`,
      `${number(succeeded)} finished`,
      failed ? `${number(failed)} failed` : "",
      doubt2 ? `${number(doubt2)} in doubt` : "",
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
    const count2 = night.in_flight.length;
    const at2 = (place) => PAD.left + place / count2 * (width - PAD.left - PAD.right);
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
      ...axis(at2, width, height),
      ...flights(at2),
      ...endings(at2),
      ...told ? credits(at2, width) : [],
      draw("line", { class: "pointer", y1: 0, y2: height - 22 })
    );
    nightPicture.replaceChildren(canvas);
    point(-1);
  }
  function label(x, y, words3, attributes = {}) {
    return draw("text", { x, y, ...attributes }, words3);
  }
  function axis(at2, width, height) {
    const step = TICKS.find((tick) => (night.end - night.start) / tick <= width / 90) ?? 2592e3;
    const shift = new Date(night.start * 1e3).getTimezoneOffset() * 60;
    const marks = [];
    const length = night.in_flight.length * night.step;
    for (let time = Math.ceil((night.start - shift) / step) * step + shift; time < night.start + length; time += step) {
      const x = at2((time - night.start) / night.step);
      marks.push(draw("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }));
      if (x < width - 18) {
        const name = step < 86400 ? CLOCK.format(new Date(time * 1e3)) : DAY.format(new Date(time * 1e3)).replace(/ \d{4}$/, "");
        marks.push(label(Math.max(0, x), height - 5, name, { "text-anchor": x > 18 ? "middle" : "start" }));
      }
    }
    return marks;
  }
  function flights(at2) {
    const [top, base2] = [24, 96];
    const most = Math.max(1, ...night.in_flight);
    let path = `M${at2(0)} ${base2}`;
    let line3 = "";
    night.in_flight.forEach((value, place) => {
      const y = base2 - value / most * (base2 - top);
      path += `V${y}H${at2(place + 1)}`;
      line3 += `${place ? "V" : `M${at2(0)} `}${y}H${at2(place + 1)}`;
    });
    return [
      label(0, 12, `In flight, at most ${number(Math.max(...night.in_flight))}`, { class: "name" }),
      draw("path", { class: "flight-area", d: `${path}V${base2}Z` }),
      draw("path", { class: "flight-line", d: line3 })
    ];
  }
  function endings(at2) {
    const [top, base2] = [128, 172];
    const sums = night.succeeded.map((value, place) => value + night.failed[place] + night.in_doubt[place]);
    const most = Math.max(1, ...sums);
    const gap = Math.min(1.5, (at2(1) - at2(0)) * 0.25);
    const bars = [];
    sums.forEach((_, place) => {
      let y = base2;
      for (const status of ENDS) {
        const value = night[status][place];
        if (value) {
          const tall = Math.max(status === "succeeded" ? 1.5 : 4, value / most * (base2 - top));
          y -= tall;
          bars.push(
            draw("rect", {
              class: status,
              x: at2(place) + gap / 2,
              y,
              width: Math.max(1.5, at2(place + 1) - at2(place) - gap),
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
  function credits(at2, width) {
    const [top, base2] = [198, 224];
    const told = night.balance.filter((value) => value !== null);
    const [least, most] = [Math.min(...told), Math.max(...told)];
    let line3 = "";
    night.balance.forEach((value, place) => {
      if (value !== null) {
        const y = most === least ? (top + base2) / 2 : base2 - (value - least) / (most - least) * (base2 - top);
        line3 += line3 ? `H${at2(place)}V${y}` : `M${at2(place)} ${y}`;
      }
    });
    return [
      label(0, 190, `Balance ${money(told[0])}`, { class: "name" }),
      label(width - 2, 190, money(told[told.length - 1]), { class: "name", "text-anchor": "end" }),
      draw("path", { class: "balance-line", d: `${line3}H${at2(night.in_flight.length)}` })
    ];
  }
  function readNight(move) {
    const box = nightPicture.getBoundingClientRect();
    const place = Math.floor((move.clientX - box.left) / box.width * night.in_flight.length);
    point(Math.min(night.in_flight.length - 1, Math.max(0, place)));
  }
  function point(place) {
    const line3 = find(".pointer", nightPicture);
    line3.classList.toggle("off", place < 0);
    const x = (Math.max(place, 0) + 0.5) / night.in_flight.length * Math.max(280, drawnWidth);
    line3.setAttribute("x1", x);
    line3.setAttribute("x2", x);
    nightReading.textContent = place < 0 ? `${nightWords()}.` : reading2(place);
  }
  function reading2(place) {
    const from = CLOCK.format(new Date((night.start + place * night.step) * 1e3));
    const ended = ENDS.map((status) => [
      night[status][place],
      status === "succeeded" ? "finished" : STATUS[status].toLowerCase()
    ]);
    const balance = night.balance.slice(0, place + 1).findLast((value) => value !== null);
    return [
      from,
      `${number(night.in_flight[place])} in flight`,
      ...ended.filter(([value]) => value).map(([value, word2]) => `${number(value)} ${word2}`),
      balance === void 0 ? "" : money(balance)
    ].filter(Boolean).join(" · ");
  }
  function nightTable() {
    const columns = ["From", "In flight, at most", "Finished", "Failed", "In doubt", "Balance"];
    const every = Math.ceil(night.in_flight.length / 24);
    const body = make("tbody");
    for (let place = 0; place < night.in_flight.length; place += every) {
      const part = (name) => night[name].slice(place, place + every);
      const told = part("balance").findLast((value) => value !== null);
      const cells = [
        Math.max(...part("in_flight")),
        sum(part("succeeded")),
        sum(part("failed")),
        sum(part("in_doubt"))
      ].map(number);
      const from = MOMENT.format(new Date((night.start + place * night.step) * 1e3));
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
      make("thead", {}, make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column)))),
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
      const text2 = find("code", command).textContent;
      command.append(copier("Copy", text2));
      find("button", command).setAttribute(
        "aria-label",
        `Copy the command: ${find("h3", block).textContent}, ${text2}`
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
        const rows = find(".rows", block);
        if (!block.querySelector(".do")) {
          rows.before(make("div", { class: "do" }));
        }
        extendBlock(find(".do", block), { block: block.dataset.block, entries: entries2.filter(of) });
        rows.replaceChildren(...table(entries2.filter(of), find("h3", block).textContent, entries2));
      }
    }
  }
  function table(found, name, entries2) {
    if (!found.length) {
      return [make("p", { class: "empty" }, "None of them matches the filters.")];
    }
    const columns = ["Task", "Reason", "Attempts", "At risk", "When"];
    const head = make("tr", { role: "row" });
    head.append(...columns.map((column) => make("th", { scope: "col", role: "columnheader" }, column)));
    const body = make("tbody", { role: "rowgroup" });
    const sheet = make(
      "table",
      { class: "sheet", role: "table" },
      make("caption", { class: "unseen" }, name),
      make("thead", { role: "rowgroup" }, head),
      body
    );
    const more = button(
      "",
      () => {
        addRows(body, found, more, entries2);
      },
      { class: "quiet" }
    );
    addRows(body, found, more, entries2);
    return [sheet, make("p", { class: "more" }, more)];
  }
  function addRows(body, found, more, entries2) {
    const from = body.children.length;
    body.append(...found.slice(from, from + ROWS).map((entry) => row(entry, entries2)));
    const left = found.length - body.children.length;
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
  var shown2 = "";
  function openPage() {
    for (const time of document.querySelectorAll("header time")) {
      time.textContent = moment(time.getAttribute("datetime") ?? "");
    }
    for (const view of [gallery, calendar, unfinished, nights]) {
      register(view);
    }
    startFilters();
    startKeys();
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
    const view = views.find((each2) => each2.name === asked.view) ?? views[0];
    const found = selected();
    showTabs(view?.name ?? "");
    for (const each2 of views) {
      find(`#${each2.name}`).hidden = each2 !== view;
    }
    if (shown2 !== view?.name) {
      views.find((each2) => each2.name === shown2)?.hide?.();
      shown2 = view?.name ?? "";
    }
    view?.show(found);
    showFilters();
    countLine(counted(found.length));
    const entry = byTask.get(asked.task);
    if (entry) {
      openDetail(entry, found);
    } else {
      closeDetail();
    }
  }
  function showTabs(current) {
    find(".views").replaceChildren(
      ...views.map((view, place) => {
        const tab = button(view.label, () => {
          ask({ view: place ? view.name : "" });
        }, {
          "data-view": view.name,
          "aria-pressed": String(view.name === current)
        });
        const badge = view.badge?.();
        if (badge) {
          tab.append(make("span", { class: "badge" }, number(badge)));
        }
        return tab;
      })
    );
  }
  function counted(count2) {
    if (!entries.length) {
      return "No clips yet";
    }
    const all = `${number(entries.length)} ${entries.length === 1 ? "clip" : "clips"}`;
    return count2 === entries.length ? all : count2 ? `${number(count2)} of ${all}` : `None of ${all} matches`;
  }
  openPage();
})();
