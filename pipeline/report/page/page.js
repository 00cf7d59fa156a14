"use strict";
(() => {
  // src/comeback.js
  function comeback() {
    const before = (
      /** @type {HTMLElement | null} */
      document.activeElement
    );
    const home = before?.closest("[id]");
    const place = home && before ? [...home.querySelectorAll(before.localName)].indexOf(before) : -1;
    return () => {
      const again2 = document.getElementById(home?.id ?? "")?.querySelectorAll(before?.localName ?? "*")[place];
      const target2 = before?.isConnected ? before : (
        /** @type {HTMLElement | undefined} */
        again2
      );
      (target2 ?? document.getElementById("work"))?.focus({ preventScroll: true });
    };
  }

  // src/dates.js
  var WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:.(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/su;
  var A_DAY = 864e5;
  function readMoment(text2) {
    const [, year = "", month2 = "", day = "", hours = "", minutes = "00", seconds2 = "00", zone] = WRITTEN.exec(text2.trim()) ?? [];
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
    ["view", "q", "status", "verdict", "sort", "day", "post", "task", "density", "chosen", "period"]
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
      const known4 = byTask.get(entry.task);
      if (known4) {
        entries[entries.indexOf(known4)] = entry;
      } else {
        entries.push(entry);
      }
      byTask.set(entry.task, entry);
      const group = posts.get(entry.post) ?? [];
      const place = known4 ? group.indexOf(known4) : -1;
      group[place < 0 ? group.length : place] = entry;
      posts.set(entry.post, group);
      changed.add(entry.task);
    }
    const found = [...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS);
    const known3 = new Map(facets.map((facet) => [facet.key, facet]));
    facets.splice(0, facets.length, ...found.map((facet) => Object.assign(known3.get(facet.key) ?? {}, facet)));
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
  function differs(entry, known3) {
    return !known3 || written(entry) !== written(known3);
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
    return when2 ? `${when2.day} ${when2.time}` : "9999";
  }
  function selected() {
    const found = entries.filter(matches);
    const order = ORDERS[asked.sort]?.[1];
    return order ? found.sort(order) : found;
  }
  function readAddress() {
    const said2 = new URLSearchParams(location.hash.slice(1));
    for (const name of SINGLE) {
      asked[name] = said2.get(name) ?? "";
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
    for (const name of SINGLE) {
      if (asked[name]) {
        said2.set(name, asked[name]);
      }
    }
    for (const [facet, value] of asked.facets) {
      said2.set(facet.key, value);
    }
    const hash = String(said2);
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
    let [start4, sum2] = [from, 0];
    for (let place = from; place < made && width; place += 1) {
      const wider = sum2 + shape(shown[place]);
      const [now, then] = [fitting(sum2, place - start4), fitting(wider, place - start4 + 1)];
      const narrowest = then * Math.min(...shown.slice(start4, place + 1).map(shape));
      if (place > start4 && (now * then <= aim * aim || narrowest < NARROWEST)) {
        setRow(start4, place, Math.min(now, aim * MOST_GROWTH));
        [start4, sum2] = [place, shape(shown[place])];
      } else {
        sum2 = wider;
      }
    }
    setRow(start4, made, Math.min(fitting(sum2, made - start4), aim));
    openRow = start4;
  }
  function setRow(start4, end, height) {
    for (let place = start4; place < end; place += 1) {
      clips.children[place].style.setProperty("--height", `${height.toFixed(2)}px`);
    }
  }
  function card(entry) {
    const item2 = make("li", { class: `card ${entry.status}` });
    item2.style.setProperty("--ratio", String(ratio(entry) || 16 / 9));
    const stage = make("div", { class: "stage" }, picture(entry, item2));
    item2.append(stage, words(entry));
    return item2;
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
    return short.filter((said2) => said2.length <= 32).slice(0, 5).join(" · ");
  }
  function line(entry) {
    const said2 = [];
    if (entry.cost !== void 0) {
      said2.push(make("span", {}, money(entry.cost)));
    }
    if (entry.duration_s !== void 0) {
      said2.push(make("span", {}, lasting(entry.duration_s)));
    }
    if (takeOf(entry)) {
      said2.push(
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
      said2.push(make("span", { class: "mark flag", title: entry.flags.join("; ") }, "Not as expected"));
    }
    if (entry.standing) {
      said2.push(make("span", { class: "mark" }, named(entry.standing)));
    }
    return said2;
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
    const known3 = parts ? parts[1] / parts[2] : width / height;
    return known3 > 0.1 && known3 < 10 ? known3 : 0;
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
    const known3 = (value) => value !== void 0 && value !== null;
    fact("Picture", known3(found.width) ? `${found.width} × ${found.height}` : null);
    fact("Duration", known3(found.duration_s) ? lasting(found.duration_s) : null);
    fact("Codec", found.codec);
    fact("Sound", known3(found.audio) ? plain(found.audio) : null);
    fact("Content credentials", known3(found.content_credentials) ? plain(found.content_credentials) : null);
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

  // src/ics.js
  var LONGEST_LINE = 75;
  var LONGEST_SUMMARY = 75;
  var CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\p{Cs}/gu;
  var ENCODER = new TextEncoder();
  function said(entry, name) {
    return String(entry[name] ?? entry.meta[name] ?? "").trim();
  }
  async function calendarFile(job2, entries2) {
    const lines = [
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "PRODID:-//overnight-pipeline//export//EN",
      `X-WR-CALNAME:${escaped(job2)}`
    ];
    const before = /* @__PURE__ */ new Map();
    for (const post2 of postsOf(entries2)) {
      const task = post2.entries[0]?.task ?? "";
      const twins = before.get(task) ?? 0;
      before.set(task, twins + 1);
      lines.push(...event(post2, await uid(job2, task, twins)));
    }
    return [...lines, "END:VCALENDAR", ""].flatMap((line3) => line3 ? folded(line3) : [""]).join("\r\n");
  }
  function postsOf(entries2) {
    const found = /* @__PURE__ */ new Map();
    for (const entry of entries2) {
      const [publish, channel, caption] = [
        said(entry, "publish"),
        said(entry, "channel"),
        said(entry, "caption")
      ];
      if (entry.status !== "succeeded" || entry.standing || !readMoment(publish)) {
        continue;
      }
      const key = JSON.stringify([publish, channel, caption]);
      const post2 = found.get(key) ?? { publish, channel, caption, entries: [] };
      post2.entries.push(entry);
      found.set(key, post2);
    }
    return found.values();
  }
  async function uid(job2, task, before) {
    const name = ENCODER.encode(`${job2}/${task}${before ? `/${before}` : ""}`);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", name));
    return `${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 20)}@overnight-pipeline`;
  }
  function event(post2, name) {
    const addresses = post2.entries.map(address).filter(Boolean);
    return [
      "BEGIN:VEVENT",
      `SUMMARY:${escaped(summary(post2))}`,
      start2(post2.publish),
      `DTSTAMP:${stamp(new Date(Math.max(...post2.entries.map(finished))))}`,
      `UID:${name}`,
      ...post2.caption ? [`DESCRIPTION:${escaped(post2.caption)}`] : [],
      ...addresses.map((each2) => `ATTACH:${each2}`),
      ...post2.channel ? [`CATEGORIES:${escaped(post2.channel)}`] : [],
      "TRANSP:TRANSPARENT",
      .../^https?:/.test(addresses[0] ?? "") ? [`URL:${addresses[0]}`] : [],
      "END:VEVENT"
    ];
  }
  function start2(publish) {
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
    const words3 = letters2.length <= LONGEST_SUMMARY ? first : `${letters2.slice(0, LONGEST_SUMMARY - 1).join("")}…`;
    return post2.channel ? `${post2.channel}: ${words3}` : words3;
  }
  function address(entry) {
    const found = entry.src && URL.canParse(entry.src, document.baseURI) ? new URL(entry.src, document.baseURI) : null;
    return found && /^(https?|file):$/.test(found.protocol) ? found.href : "";
  }
  function escaped(text2) {
    return text2.replace(/\r\n?/g, "\n").replace(CONTROL, "�").replace(/[\\;,]/g, "\\$&").replaceAll("\n", "\\n");
  }
  function folded(line3) {
    const parts = [];
    let [part, length] = ["", 0];
    for (const letter of line3) {
      const bytes = ENCODER.encode(letter).length;
      if (length + bytes > LONGEST_LINE) {
        parts.push(part);
        [part, length] = [" ", 1];
      }
      part += letter;
      length += bytes;
    }
    return [...parts, part];
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
    return [...new Set(entries.map((entry) => said(entry, "channel")))].filter(Boolean).sort(natural);
  }
  function letters(channel) {
    const [first = "", second = ""] = channel.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    const made3 = second ? [...first].slice(0, 1).concat([...second].slice(0, 1)) : [...first].slice(0, 2);
    return LETTERS[channel.toLowerCase()] ?? (made3.join("").toUpperCase() || "?");
  }
  var known = { count: -1, places: /* @__PURE__ */ new Map() };
  function placeOf(channel) {
    if (known.count !== entries.length || !known.places.has(channel)) {
      known = { count: entries.length, places: new Map(channels().map((name, place) => [name, place])) };
    }
    return known.places.get(channel) ?? 0;
  }
  function channelMark(channel) {
    return make(
      "span",
      { class: `channel channel-${placeOf(channel) % COLOURS}`, title: channel },
      make("span", { "aria-hidden": "true" }, letters(channel)),
      make("span", { class: "unseen" }, `${channel}: `)
    );
  }
  function marks() {
    const names = channels();
    return names.length ? make(
      "ul",
      { class: "channels", role: "list", "aria-label": "Channels" },
      ...names.slice(0, 16).map(
        (name) => make(
          "li",
          { dir: "auto" },
          channelMark(name),
          make("span", { "aria-hidden": "true" }, brief(name, 30))
        )
      )
    ) : null;
  }
  function item(found, pressed) {
    const lead = found.entries.find((entry) => entry.status === "succeeded") ?? found.entries[0];
    const { state: state2, word: word2 } = standing2(found.entries);
    const element = make(
      "button",
      { type: "button", class: `event ${state2}`, "aria-haspopup": "dialog" },
      still2(lead)
    );
    element.addEventListener("click", pressed);
    const label2 = make("span", { class: "label" });
    if (found.channel) {
      label2.append(channelMark(found.channel));
    }
    if (found.time) {
      label2.append(make("span", { class: "time" }, `${found.time} `));
    }
    const sign = SIGN[state2];
    if (sign) {
      label2.append(
        make("strong", { "aria-hidden": "true", title: word2 }, `${sign} `),
        make("span", { class: "unseen" }, word2)
      );
    } else if (word2) {
      label2.append(make("strong", {}, word2));
    }
    label2.append(make("span", { dir: "auto", class: "title" }, brief(headline(lead), 90)));
    if (found.entries.length > 1) {
      label2.append(
        make(
          "span",
          { class: "many", title: "Ratios and takes of this post" },
          ` ×${number(found.entries.length)}`
        )
      );
    }
    element.append(label2);
    return make("li", {}, element);
  }
  function headline(entry) {
    return entry ? said(entry, "caption").split("\n", 1)[0] || titled(entry) : "";
  }
  function still2(entry) {
    const thumb = make("span", { class: "thumb" });
    const poster = entry?.poster ?? (entry?.kind === "image" && !entry.missing ? entry.src : void 0);
    if (entry?.status === "succeeded" && poster) {
      const image2 = make("img", { alt: "", loading: "lazy", decoding: "async", src: poster });
      image2.addEventListener("error", () => image2.replaceWith(placeholder(entry)));
      thumb.append(image2);
    } else {
      thumb.append(placeholder(entry));
    }
    return thumb;
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
    const element = made2(clip, label2);
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
  function made2(clip, label2) {
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

  // src/verdicts.js
  async function judge(clips2, word2) {
    const at2 = (/* @__PURE__ */ new Date()).toISOString();
    take(
      clips2.filter((entry) => entry.sha256).map((entry) => ({
        task: entry.task,
        verdict: word2.verdict === void 0 ? entry.verdict ?? null : word2.verdict,
        note: word2.note ?? entry.note ?? null,
        sha256: (
          /** @type {string} */
          entry.sha256
        ),
        by: null,
        at: at2
      }))
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
      const order = make(
        "select",
        { "aria-label": "Order" },
        make("option", { value: "" }, "As listed"),
        make("option", { value: "date" }, "By date")
      );
      order.addEventListener("change", () => {
        this.#byDate = order.value === "date";
        this.#order();
      });
      this.#stage.append(this.#caption);
      this.#dialog.append(
        make(
          "div",
          { class: "theatre-bar" },
          make("h2", {}, "Reel"),
          kept2,
          order,
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
      const wanted = this.all.map((entry) => byTask.get(entry.task) ?? entry).filter((entry) => !this.#kept || entry.verdict === "kept");
      this.list = wanted.filter(hasClip);
      this.#skipped = wanted.length - this.list.length;
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
    #show(place) {
      this.#place = place;
      const entry = this.list[place];
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
        const after2 = this.list[place + 1];
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
        const part = player2 ? player2.currentTime / (player2.duration || Number.POSITIVE_INFINITY) : this.#gone() / STILL;
        this.#progress.value = this.list.length ? (this.#place + Math.min(1, this.#now ? part : 0)) / this.list.length : 1;
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
      const held = this.#acts.contains(document.activeElement) ? document.activeElement?.getAttribute("data-do") : null;
      const entry = this.#now && (byTask.get(this.#now.entry.task) ?? this.#now.entry);
      if (!entry) {
        const words3 = this.list.length ? "The end" : this.#kept ? "None of these clips is kept" : "None of these has a clip that can be played";
        this.#caption.replaceChildren(make("h3", {}, words3));
        this.#acts.replaceChildren();
        return;
      }
      const when2 = published(entry);
      const channel = said(entry, "channel");
      this.#caption.replaceChildren(
        make("h3", { dir: "auto" }, said(entry, "caption") || titled(entry)),
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
          said(entry, "campaign") ? make("span", { dir: "auto" }, brief(said(entry, "campaign"), 60)) : null
        )
      );
      const act = (label2, word2) => button(label2, () => this.#say(word2, true), {
        class: "quiet",
        "data-do": word2 ?? "clear",
        ...word2 ? { "aria-pressed": String(entry.verdict === word2) } : {}
      });
      this.#acts.replaceChildren(
        act("Keep", "kept"),
        act("Reject", "rejected"),
        entry.verdict ? act("Clear", null) : ""
      );
      (held ? this.#acts.querySelector(`[data-do="${held}"]`) : null)?.focus();
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
      const target2 = (
        /** @type {HTMLElement} */
        event2.target
      );
      const key = event2.key.length === 1 ? event2.key.toLowerCase() : event2.key;
      if (event2.ctrlKey || event2.metaKey || event2.altKey || target2.matches("select") || key === " " && target2.matches("button")) {
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
    const next = names.find((name) => name >= now) ?? names.at(-1) ?? now;
    return { week: false, first: firstOfMonth(/* @__PURE__ */ new Date(`${next}T00:00:00Z`)) };
  }
  function firstOfMonth(date) {
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
  }
  function moved({ week: weekly, first }, by) {
    return weekly ? dayName(new Date(first.getTime() + by * 7 * A_DAY)) : dayName(new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + by, 1))).slice(0, 7);
  }
  function plannerHead(shown3, names, days) {
    const of = shown3.week ? "week" : "month";
    const name = shown3.week ? `Week of ${SPAN.format(shown3.first)}` : MONTH.format(shown3.first);
    const go = (period, pressed) => {
      ask({ period });
      find(`#calendar [data-go="${pressed}"]`).focus();
      say(find("#calendar .period").textContent ?? "");
    };
    const step = (label2, words3, key, period) => button(label2, () => go(period(), key), {
      class: "quiet",
      "data-go": key,
      ...words3 ? { "aria-label": words3 } : {}
    });
    const now = dayName(today());
    return make(
      "div",
      { class: "planner-head" },
      make("h3", { class: "period" }, name),
      make(
        "div",
        { class: "steps", role: "group", "aria-label": "Move" },
        step("‹", `Previous ${of}`, "before", () => moved(shown3, -1)),
        step("Today", "", "today", () => shown3.week ? now : now.slice(0, 7)),
        step("›", `Next ${of}`, "after", () => moved(shown3, 1))
      ),
      jump(shown3, names, days),
      make(
        "div",
        { class: "views", role: "group", "aria-label": "Length" },
        ...["Month", "Week"].map(
          (label2) => button(label2, () => go(resized(shown3, label2 === "Week", names), label2), {
            "data-go": label2,
            "aria-pressed": String(label2 === "Week" === shown3.week)
          })
        )
      ),
      make("div", { class: "planner-tools" }, reelButton(shown3, names, days), fileButton())
    );
  }
  function resized(shown3, weekly, names) {
    if (weekly === shown3.week) {
      return asked.period;
    }
    if (!weekly) {
      return dayName(new Date(shown3.first.getTime() + 3 * A_DAY)).slice(0, 7);
    }
    const here = dayName(shown3.first).slice(0, 7);
    return names.find((name) => name.startsWith(here)) ?? dayName(shown3.first);
  }
  function jump(shown3, names, days) {
    const months = [...new Set(names.map((name) => name.slice(0, 7)))];
    if (months.length < 2) {
      return null;
    }
    const here = shown3.week ? "" : dayName(shown3.first).slice(0, 7);
    const select = make(
      "select",
      {},
      ...months.includes(here) ? [] : [make("option", { value: "" }, "Month…")]
    );
    for (const name of months) {
      const count2 = names.filter((day) => day.startsWith(name)).reduce((total, day) => total + (days.get(day)?.length ?? 0), 0);
      select.append(
        make("option", { value: name }, `${MONTH.format(/* @__PURE__ */ new Date(`${name}-01T00:00:00Z`))} (${number(count2)})`)
      );
    }
    select.value = months.includes(here) ? here : "";
    select.addEventListener("change", () => {
      ask({ period: select.value });
      find("#calendar .jump select").focus();
    });
    return make("label", { class: "jump" }, make("span", { class: "unseen" }, "Go to month"), select);
  }
  function reelButton(shown3, names, days) {
    const until = shown3.week ? dayName(new Date(shown3.first.getTime() + 7 * A_DAY)) : `${moved(shown3, 1)}-01`;
    const here = names.filter((name) => name >= dayName(shown3.first) && name < until);
    const clips2 = here.flatMap((name) => days.get(name) ?? []).flatMap((each2) => each2.entries);
    return clips2.some((entry) => entry.src && entry.status === "succeeded") ? button("Play as a reel", () => openReel(clips2), { class: "quiet", "aria-haspopup": "dialog" }) : null;
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
    const name = job?.name ?? document.querySelector("h1")?.textContent ?? "";
    const text2 = await calendarFile(
      name,
      entries.filter((entry) => !kept2 || entry.verdict === "kept")
    );
    const address2 = URL.createObjectURL(new Blob([text2], { type: "text/calendar;charset=utf-8" }));
    make("a", { href: address2, download: "posts.ics" }).click();
    setTimeout(() => URL.revokeObjectURL(address2), 6e4);
    const events = text2.split("\r\nBEGIN:VEVENT").length - 1;
    say(`Saved posts.ics with ${number(events)} ${events === 1 ? "event" : "events"}.`);
  }

  // src/calendar.js
  var MOST_A_DAY = { month: 3, week: 40 };
  var MOST_IN_TRAY = 40;
  var MONDAY = new Date(Date.UTC(2024, 0, 1));
  var trayOpen = false;
  var drawn = "";
  function showCalendar(entries2) {
    const now = signature(entries2);
    const months = find("#calendar .months");
    if (now === drawn) {
      return;
    }
    drawn = now;
    const back = months.contains(document.activeElement) ? comeback() : null;
    const { days, undated } = placed(entries2);
    const names = [...days.keys()].sort();
    const shown3 = shownPeriod(names);
    const table2 = shown3.week ? week(shown3.first, days, entries2) : month(shown3.first, days, entries2);
    months.replaceChildren(
      plannerHead(shown3, names, days),
      marks() ?? "",
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
    const told = entries2.map((each2) => [
      each2.task,
      each2.status,
      each2.verdict,
      each2.poster,
      each2.missing,
      ...["publish", "channel", "caption"].map((name) => said(
        each2,
        /** @type {"caption"} */
        name
      ))
    ]);
    return JSON.stringify([dayName(today()), asked.period, asked.verdict, trayOpen, entries.length, told]);
  }
  function placed(entries2) {
    const items = /* @__PURE__ */ new Map();
    for (const entry of entries2) {
      const when2 = published(entry);
      const key = JSON.stringify([entry.post, when2?.day, when2?.time, said(entry, "channel")]);
      const there = items.get(key);
      if (there) {
        there.entries.push(entry);
      } else {
        items.set(key, {
          entries: [entry],
          day: when2?.day ?? "",
          time: when2?.time ?? "",
          channel: said(entry, "channel")
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
    const before = (first.getUTCDay() + 6) % 7;
    const rows = [];
    for (let start4 = -before; start4 < length; start4 += 7) {
      const row2 = make("tr", { role: "row" });
      for (let day = start4; day < start4 + 7; day += 1) {
        row2.append(
          day < 0 || day >= length ? make("td", { class: "outside", role: "cell" }) : dayCell(new Date(first.getTime() + day * A_DAY), days, entries2, MOST_A_DAY.month)
        );
      }
      rows.push(row2);
    }
    return sheet("month", MONTH.format(first), MONDAY, rows);
  }
  function week(first, days, entries2) {
    const row2 = make("tr", { role: "row" });
    for (let day = 0; day < 7; day += 1) {
      row2.append(dayCell(new Date(first.getTime() + day * A_DAY), days, entries2, MOST_A_DAY.week));
    }
    return sheet("month week", `Week of ${SPAN.format(first)}`, first, [row2]);
  }
  function sheet(kind, name, monday, rows) {
    const heads = make("tr", { role: "row" });
    for (let day = 0; day < 7; day += 1) {
      const head = WEEKDAY.format(new Date(monday.getTime() + day * A_DAY));
      heads.append(make("th", { scope: "col", role: "columnheader" }, head));
    }
    return make(
      "table",
      { class: kind, role: "table" },
      make("caption", { class: "unseen" }, name),
      make("thead", { role: "rowgroup" }, heads),
      make("tbody", { role: "rowgroup" }, ...rows)
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
      const list = make("ul", { class: here.length === 1 ? "alone" : "several", role: "list" });
      list.append(...here.slice(0, most).map((each2) => item(each2, () => openItem(each2, entries2))));
      cell.append(list, andMore(date, here.length - most));
    }
    return cell;
  }
  function openItem(found, entries2) {
    const [first] = found.entries;
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
    const list = make("ul", { class: "several", role: "list" });
    const some = trayOpen ? undated : undated.slice(0, MOST_IN_TRAY);
    list.append(...some.map((each2) => item(each2, () => openItem(each2, entries2))));
    const left = undated.length - some.length;
    return make(
      "aside",
      { class: "tray", "aria-labelledby": "tray-title" },
      make("h3", { id: "tray-title" }, "No date ", make("span", { class: "tally" }, number(undated.length))),
      make("p", { class: "remark" }, remark(undated)),
      list,
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
    const unread = undated.map((each2) => each2.entries[0] && said(each2.entries[0], "publish")).find(Boolean);
    return unread ? `“${brief(unread, 40)}” is no date that can be read; 2026-12-01 would be one.` : "Give prompts a “publish” date under “meta”, and they appear in the calendar.";
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
    const parts = shown3.flatMap((action) => [
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
      const said2 = [told?.error, told?.hint].filter((each2) => typeof each2 === "string" && each2);
      throw new Refused(said2.join(": ") || `the server answers ${answer.status}`, answer.status);
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
    const started = await askFirst({
      title,
      yes: "Start the run",
      body: async () => priced(await get(`price${query(request)}`), clips2, note),
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
    for (const { status, finished_at: finished2 } of entries) {
      if (status === "succeeded" && finished2 && finished2 >= since) {
        const ago = now - Date.parse(finished2) / 1e3;
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
    const made3 = { action, input, fault: wrong, form, dirty: false };
    input.addEventListener("input", () => {
      made3.dirty = true;
    });
    form.addEventListener("submit", async (event2) => {
      event2.preventDefault();
      const typed = input.value.trim();
      const value = typed === "" ? "none" : Number.isFinite(Number(typed)) ? Number(typed) : typed;
      if (await control(action, value, wrong)) {
        made3.dirty = false;
      }
      input.toggleAttribute("aria-invalid", Boolean(wrong.textContent));
    });
    return made3;
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
    const said2 = await askFirst({
      title: `${entry.at_risk ? money(entry.at_risk) : "This clip"} ${question}`,
      body: () => [
        make("p", { dir: "auto" }, brief(titled(entry), 200)),
        make("p", { class: "soft" }, `${effect} A word is said once; a second one is refused.`)
      ],
      yes: label2,
      act: async () => await post("settle", { tasks: [entry.task], word: word2 })
    });
    if (said2) {
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
    const said2 = [...words2.values()];
    news.clear();
    words2.clear();
    const back = focused();
    if (changed.length) {
      merge(changed);
    }
    if (said2.length) {
      take(said2);
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
  var ENDS = ["succeeded", "in_doubt", "failed"];
  var TICKS = [300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  var PAD = { left: 2, right: 2 };
  var all = data("nights") ?? [];
  var chosen = all.length - 1;
  var drawnWidth = 0;
  var watched = false;
  function showNights() {
    const picture2 = find(".night-picture");
    if (!watched) {
      watched = true;
      start3(picture2);
    }
    const night = all[chosen];
    for (const part of [picture2, find(".night-figures")]) {
      part.hidden = !night;
    }
    showChoice();
    if (night) {
      showNight(night);
    } else {
      find(".night-span").textContent = "";
      find(".night-reading").textContent = "Nothing was sent yet: the picture of the night begins with the first answer.";
    }
  }
  function start3(picture2) {
    find("#night-choice select").addEventListener("change", (event2) => {
      chosen = Number(
        /** @type {HTMLSelectElement} */
        event2.target.value
      );
      showNights();
    });
    new ResizeObserver(() => {
      const night = all[chosen];
      if (night && picture2.clientWidth && Math.round(picture2.clientWidth) !== drawnWidth) {
        drawNight(night);
      }
    }).observe(picture2);
    picture2.addEventListener("pointermove", (move) => readNight(move, picture2));
    picture2.addEventListener("pointerleave", () => point(-1));
  }
  function showChoice() {
    const select = (
      /** @type {HTMLSelectElement} */
      find("#night-choice select")
    );
    const names = all.map(when);
    if (names.join() !== [...select.options].map((each2) => each2.textContent).join()) {
      select.replaceChildren(...names.map((name, place) => make("option", { value: place }, name)));
    }
    select.value = String(chosen);
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
    const told = known2(night);
    return [
      `At most ${number(Math.max(...night.in_flight))} in flight`,
      `${number(succeeded)} finished`,
      failed ? `${number(failed)} failed` : "",
      doubt2 ? `${number(doubt2)} in doubt` : "",
      told.length ? `balance from ${money(told[0] ?? 0)} to ${money(told.at(-1) ?? 0)}` : ""
    ].filter(Boolean).join(", ");
  }
  function known2(night) {
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
    const at2 = (place) => PAD.left + place / count2 * (width - PAD.left - PAD.right);
    const told = night.balance.some((value) => value !== null);
    const height = told ? 250 : 196;
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
      ...told ? credits(night, at2, width) : [],
      draw("line", { class: "pointer", y1: 0, y2: height - 22 })
    );
    nightPicture.replaceChildren(canvas);
    point(-1);
  }
  function label(x, y, words3, attributes = {}) {
    return draw("text", { x, y, ...attributes }, words3);
  }
  function axis(night, at2, width, height) {
    const step = TICKS.find((tick) => (night.end - night.start) / tick <= width / 90) ?? 2592e3;
    const shift = new Date(night.start * 1e3).getTimezoneOffset() * 60;
    const marks2 = [];
    const length = night.in_flight.length * night.step;
    for (let time = Math.ceil((night.start - shift) / step) * step + shift; time < night.start + length; time += step) {
      const x = at2((time - night.start) / night.step);
      marks2.push(draw("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }));
      if (x < width - 18) {
        const name = step < 86400 ? CLOCK.format(new Date(time * 1e3)) : DAY.format(new Date(time * 1e3)).replace(/ \d{4}$/, "");
        marks2.push(label(Math.max(0, x), height - 5, name, { "text-anchor": x > 18 ? "middle" : "start" }));
      }
    }
    return marks2;
  }
  function flights(night, at2) {
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
  function endings(night, at2) {
    const [top, base2] = [128, 172];
    const sums = night.succeeded.map(
      (value, place) => value + (night.failed[place] ?? 0) + (night.in_doubt[place] ?? 0)
    );
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
  function credits(night, at2, width) {
    const [top, base2] = [198, 224];
    const told = known2(night);
    const [least, most] = [Math.min(...told), Math.max(...told)];
    let line3 = "";
    night.balance.forEach((value, place) => {
      if (value !== null) {
        const y = most === least ? (top + base2) / 2 : base2 - (value - least) / (most - least) * (base2 - top);
        line3 += line3 ? `H${at2(place)}V${y}` : `M${at2(place)} ${y}`;
      }
    });
    return [
      label(0, 190, `Balance ${money(told[0] ?? 0)}`, { class: "name" }),
      label(width - 2, 190, money(told.at(-1) ?? 0), { class: "name", "text-anchor": "end" }),
      draw("path", { class: "balance-line", d: `${line3}H${at2(night.in_flight.length)}` })
    ];
  }
  function readNight(move, picture2) {
    const box = picture2.getBoundingClientRect();
    const count2 = all[chosen]?.in_flight.length ?? 0;
    const place = Math.floor((move.clientX - box.left) / box.width * count2);
    point(Math.min(count2 - 1, Math.max(0, place)));
  }
  function point(place) {
    const night = all[chosen];
    const line3 = document.querySelector(".night-picture .pointer");
    if (!night || !line3) {
      return;
    }
    line3.classList.toggle("off", place < 0);
    const x = String((Math.max(place, 0) + 0.5) / night.in_flight.length * Math.max(280, drawnWidth));
    line3.setAttribute("x1", x);
    line3.setAttribute("x2", x);
    find(".night-reading").textContent = place < 0 ? `${nightWords(night)}.` : reading2(night, place);
  }
  function reading2(night, place) {
    const balance = night.balance.slice(0, place + 1).findLast((value) => value !== null);
    const ended = ENDS.map((status) => {
      const count2 = night[status][place] ?? 0;
      return count2 ? `${number(count2)} ${status === "succeeded" ? "finished" : String(STATUS[status]).toLowerCase()}` : "";
    });
    return [
      CLOCK.format(new Date((night.start + place * night.step) * 1e3)),
      `${number(night.in_flight[place] ?? 0)} in flight`,
      ...ended,
      balance === void 0 || balance === null ? "" : money(balance)
    ].filter(Boolean).join(" · ");
  }
  function nightTable(night) {
    const columns = ["From", "In flight, at most", "Finished", "Failed", "In doubt", "Balance"];
    const every = Math.ceil(night.in_flight.length / 24);
    const body = make("tbody");
    for (let place = 0; place < night.in_flight.length; place += every) {
      const part = (values) => values.slice(place, place + every);
      const told = part(night.balance).findLast((value) => value !== null);
      const cells = [
        Math.max(...part(night.in_flight)),
        sum(part(night.succeeded)),
        sum(part(night.failed)),
        sum(part(night.in_doubt))
      ].map(number);
      const from = MOMENT.format(new Date((night.start + place * night.step) * 1e3));
      body.append(
        make(
          "tr",
          {},
          make("th", { scope: "row" }, from),
          ...[...cells, told === void 0 || told === null ? "–" : money(told)].map(
            (cell) => make("td", {}, cell)
          )
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
  var drawn2 = /* @__PURE__ */ new Map();
  function extendCommands(extension) {
    extend = extension;
    drawn2.clear();
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
        const found = entries2.filter(kind.of);
        const now = signature2(all2, found);
        if (drawn2.get(block) !== now) {
          drawn2.set(block, now);
          showBlock(block, key, all2, found, entries2);
        }
      }
    }
  }
  function signature2(all2, found) {
    const told = found.map(({ task, status, error, words: words3, attempts, at_risk: risk }) => [
      task,
      status,
      error,
      words3?.what,
      attempts,
      risk
    ]);
    return JSON.stringify([all2.length, all2.map((entry) => entry.words?.command), told]);
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
    const made3 = make(
      "section",
      { class: "block", "data-block": key, "aria-labelledby": `block-${key}` },
      make("h3", { id: `block-${key}` }, KINDS[key]?.name ?? key),
      make("div", { class: "rows" })
    );
    const order = Object.keys(KINDS);
    const after2 = [...section.querySelectorAll(".block")].find(
      (each2) => order.indexOf(each2.getAttribute("data-block") ?? "") > order.indexOf(key)
    );
    section.insertBefore(made3, after2 ?? null);
    for (const empty of section.querySelectorAll(":scope > .empty")) {
      empty.remove();
    }
    return made3;
  }
  function showBlock(block, key, all2, found, entries2) {
    const heading = find("h3", block);
    if (all2.length && /: [\d,]+$/.test(heading.textContent ?? "")) {
      heading.textContent = `${KINDS[key]?.name}: ${number(all2.length)}`;
    }
    const name = heading.textContent ?? "";
    for (const command of block.querySelectorAll(":scope > .command")) {
      dress(
        /** @type {HTMLElement} */
        command,
        key,
        name,
        all2
      );
    }
    const common = [...block.querySelectorAll(":scope > .command code")].map((code) => code.textContent ?? "");
    const reasons = reasonsOf(found);
    const rows = find(".rows", block);
    if (found.length && reasons.every((reason2) => !reason2.what)) {
      rows.replaceChildren(...table(found, name, entries2));
    } else if (found.length) {
      rows.replaceChildren(...reasons.map((reason2) => reasonBlock(reason2, key, name, common, entries2)));
    } else {
      rows.replaceChildren(
        all2.length ? make("p", { class: "empty" }, "None of them matches the filters.") : ""
      );
    }
  }
  function dress(command, key, name, entries2) {
    const text2 = find("code", command).textContent ?? "";
    if (!command.querySelector("button")) {
      const copy = copier("Copy", text2);
      copy.setAttribute("aria-label", `Copy the command: ${name}, ${text2}`);
      command.append(copy);
    }
    const after2 = command.nextElementSibling;
    const there = after2 instanceof HTMLElement && after2.matches(".do") ? after2 : null;
    const holder = there ?? make("div", { class: "do", "data-block": key, "data-command": text2 });
    command.after(holder);
    extend?.(holder, { block: key, command: text2, entries: entries2 });
  }
  function reasonsOf(found) {
    const reasons = /* @__PURE__ */ new Map();
    for (const entry of found) {
      const { what = "", todo = "", command = "" } = entry.words ?? {};
      const key = JSON.stringify([what, todo, command]);
      const reason2 = reasons.get(key) ?? { what, todo, command, entries: [] };
      reason2.entries.push(entry);
      reasons.set(key, reason2);
    }
    return [...reasons.values()].sort((one, other) => other.entries.length - one.entries.length);
  }
  function reasonBlock(reason2, key, name, common, entries2) {
    const what = reason2.what || "No reason was given.";
    const part = make(
      "div",
      { class: "reason" },
      make("h4", { dir: "auto" }, what, make("span", { class: "tally" }, ` ${number(reason2.entries.length)}`)),
      reason2.todo ? make("p", { dir: "auto" }, reason2.todo) : null
    );
    if (reason2.command && !common.includes(reason2.command)) {
      const command = make("div", { class: "command" }, make("code", {}, reason2.command));
      part.append(command);
      dress(command, key, what, reason2.entries);
    }
    const rows = table(reason2.entries, `${name}: ${what}`, entries2);
    if (KINDS[key]?.quiet && reason2.entries.length >= FOLDED) {
      const summary2 = make("summary", {}, `Which ${number(reason2.entries.length)} these are`);
      part.append(make("details", {}, summary2, ...rows));
    } else {
      part.append(...rows);
    }
    return part;
  }
  function table(found, name, entries2) {
    const columns = ["Task", "Reason", "Attempts", "At risk", "When"];
    const head = make("tr", { role: "row" });
    head.append(...columns.map((column) => make("th", { scope: "col", role: "columnheader" }, column)));
    const body = make("tbody", { role: "rowgroup" });
    const sheet2 = make(
      "table",
      { class: "sheet", role: "table" },
      make("caption", { class: "unseen" }, name),
      make("thead", { role: "rowgroup" }, head),
      body
    );
    const more = button("", () => addRows(body, found, more, entries2), { class: "quiet" });
    addRows(body, found, more, entries2);
    return more.hidden ? [sheet2] : [sheet2, make("p", { class: "more" }, more)];
  }
  function addRows(body, found, more, entries2) {
    const from = body.children.length;
    body.append(...found.slice(from, from + ROWS).map((entry) => row(entry, entries2)));
    const left = found.length - body.children.length;
    more.hidden = left === 0;
    more.textContent = `Show ${number(Math.min(ROWS, left))} more of ${number(left)}`;
  }
  function row(entry, entries2) {
    const open2 = button(brief(titled(entry), 160), () => openDetail(entry, entries2), {
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
        open2,
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
    extendCommands(extendBlock);
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
    const all2 = `${number(entries.length)} ${entries.length === 1 ? "clip" : "clips"}`;
    return count2 === entries.length ? all2 : count2 ? `${number(count2)} of ${all2}` : `None of ${all2} matches`;
  }
  openPage();
})();
