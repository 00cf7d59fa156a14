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
  function money(amount) {
    const size2 = Math.abs(amount);
    const fits = (digits2) => size2 >= 1 || Math.abs(Number(size2.toFixed(digits2)) - size2) <= size2 / 100;
    const digits = [2, 4, 6].find(fits) ?? 6;
    const text2 = size2.toLocaleString(LOCALE, {
      minimumFractionDigits: 2,
      maximumFractionDigits: digits
    });
    return `${amount < 0 && Number(size2.toFixed(digits)) ? "-" : ""}$${text2}`;
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
    const words2 = name.replace(/[_-]+/g, " ").trim();
    return words2 ? words2.charAt(0).toUpperCase() + words2.slice(1) : name;
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
    for (const each of given) {
      const entry = (
        /** @type {Entry} */
        { attempts: 1, params: {}, meta: {}, ...each }
      );
      entry.post ??= entry.group;
      const known = byTask.get(entry.task);
      if (known) {
        entries[entries.indexOf(known)] = entry;
      } else {
        entries.push(entry);
      }
      byTask.set(entry.task, entry);
      const group = posts.get(entry.post) ?? [];
      const place = known ? group.indexOf(known) : -1;
      group[place < 0 ? group.length : place] = entry;
      posts.set(entry.post, group);
      changed.add(entry.task);
    }
    facets.splice(0, facets.length, ...[...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS));
    if (changed.size) {
      emit("entries", changed);
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
    const { q, status, verdict, day, post } = asked;
    return (!status || (SPECIAL[status]?.(entry) ?? entry.status === status)) && (!verdict || (verdict === "none" ? isUnseen(entry) : entry.verdict === verdict)) && (!day || published(entry)?.day === day) && (!post || entry.post === post) && [...asked.facets].every(
      ([facet, value]) => facet.name in entry[facet.field] && plain(entry[facet.field][facet.name]) === value
    ) && q.toLowerCase().split(/\s+/).every((word) => text(entry).includes(word));
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
    const fitting = (sum3, count) => (width - 1 - gap * (count - 1)) / sum3;
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
  function copier(label2, words2) {
    return button(
      label2,
      async () => {
        say(await copied(words2) ? "Copied." : "Copying is not allowed here: select the text instead.");
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
      const before = document.activeElement;
      (dialog.open ? dialog : document.body).append(field2);
      field2.select();
      const done = document.execCommand("copy");
      field2.remove();
      before?.focus({ preventScroll: true });
      return done;
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
    const words2 = {
      changed: " · changed in the job since",
      former: " · no longer in the job",
      accepted: " · waiting at the provider",
      saved: " · not in place yet"
    };
    return words2[entry.standing] ?? "";
  }
  function takeOf(entry) {
    const group = posts.get(entry.post).filter((each) => each.group === entry.group);
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

  // src/live.js
  var isLive = Boolean(job?.live);
  function startLive() {
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
    NIGHTS.forEach((each, place) => {
      select.append(make("option", { value: place }, when(each)));
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
    const at = (place) => PAD.left + place / count * (width - PAD.left - PAD.right);
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
  function label(x, y, words2, attributes = {}) {
    return draw("text", { x, y, ...attributes }, words2);
  }
  function axis(at, width, height) {
    const step = TICKS.find((tick) => (night.end - night.start) / tick <= width / 90) ?? 2592e3;
    const shift = new Date(night.start * 1e3).getTimezoneOffset() * 60;
    const marks = [];
    const length = night.in_flight.length * night.step;
    for (let time = Math.ceil((night.start - shift) / step) * step + shift; time < night.start + length; time += step) {
      const x = at((time - night.start) / night.step);
      marks.push(draw("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }));
      if (x < width - 18) {
        const name = step < 86400 ? CLOCK.format(new Date(time * 1e3)) : DAY.format(new Date(time * 1e3)).replace(/ \d{4}$/, "");
        marks.push(label(Math.max(0, x), height - 5, name, { "text-anchor": x > 18 ? "middle" : "start" }));
      }
    }
    return marks;
  }
  function flights(at) {
    const [top, base] = [24, 96];
    const most = Math.max(1, ...night.in_flight);
    let path = `M${at(0)} ${base}`;
    let line2 = "";
    night.in_flight.forEach((value, place) => {
      const y = base - value / most * (base - top);
      path += `V${y}H${at(place + 1)}`;
      line2 += `${place ? "V" : `M${at(0)} `}${y}H${at(place + 1)}`;
    });
    return [
      label(0, 12, `In flight, at most ${number(Math.max(...night.in_flight))}`, { class: "name" }),
      draw("path", { class: "flight-area", d: `${path}V${base}Z` }),
      draw("path", { class: "flight-line", d: line2 })
    ];
  }
  function endings(at) {
    const [top, base] = [128, 172];
    const sums = night.succeeded.map((value, place) => value + night.failed[place] + night.in_doubt[place]);
    const most = Math.max(1, ...sums);
    const gap = Math.min(1.5, (at(1) - at(0)) * 0.25);
    const bars = [];
    sums.forEach((_, place) => {
      let y = base;
      for (const status of ENDS) {
        const value = night[status][place];
        if (value) {
          const tall = Math.max(status === "succeeded" ? 1.5 : 4, value / most * (base - top));
          y -= tall;
          bars.push(
            draw("rect", {
              class: status,
              x: at(place) + gap / 2,
              y,
              width: Math.max(1.5, at(place + 1) - at(place) - gap),
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
    night.balance.forEach((value, place) => {
      if (value !== null) {
        const y = most === least ? (top + base) / 2 : base - (value - least) / (most - least) * (base - top);
        line2 += line2 ? `H${at(place)}V${y}` : `M${at(place)} ${y}`;
      }
    });
    return [
      label(0, 190, `Balance ${money(told[0])}`, { class: "name" }),
      label(width - 2, 190, money(told[told.length - 1]), { class: "name", "text-anchor": "end" }),
      draw("path", { class: "balance-line", d: `${line2}H${at(night.in_flight.length)}` })
    ];
  }
  function readNight(move) {
    const box = nightPicture.getBoundingClientRect();
    const place = Math.floor((move.clientX - box.left) / box.width * night.in_flight.length);
    point(Math.min(night.in_flight.length - 1, Math.max(0, place)));
  }
  function point(place) {
    const line2 = find(".pointer", nightPicture);
    line2.classList.toggle("off", place < 0);
    const x = (Math.max(place, 0) + 0.5) / night.in_flight.length * Math.max(280, drawnWidth);
    line2.setAttribute("x1", x);
    line2.setAttribute("x2", x);
    nightReading.textContent = place < 0 ? `${nightWords()}.` : reading(place);
  }
  function reading(place) {
    const from = CLOCK.format(new Date((night.start + place * night.step) * 1e3));
    const ended = ENDS.map((status) => [
      night[status][place],
      status === "succeeded" ? "finished" : STATUS[status].toLowerCase()
    ]);
    const balance = night.balance.slice(0, place + 1).findLast((value) => value !== null);
    return [
      from,
      `${number(night.in_flight[place])} in flight`,
      ...ended.filter(([value]) => value).map(([value, word]) => `${number(value)} ${word}`),
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
    const view = views.find((each) => each.name === asked.view) ?? views[0];
    const found = selected();
    showTabs(view?.name ?? "");
    for (const each of views) {
      find(`#${each.name}`).hidden = each !== view;
    }
    if (shown2 !== view?.name) {
      views.find((each) => each.name === shown2)?.hide?.();
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
  function counted(count) {
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
