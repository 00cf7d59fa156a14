import { button, find, make, say } from "./dom.js";
import { letGo, picture, ratio } from "./media.js";
import { ask, asked, posts } from "./model.js";
import { lasting, moment, money, named, number, plain, SETTLED, STATUS, size, titled } from "./words.js";

export const dialog = document.getElementById("detail");
let around = [];

dialog.addEventListener("close", () => {
  letGo(dialog);
  dialog.replaceChildren();
  if (asked.task) {
    ask({ task: "" });
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) {
    dialog.close();
  }
});

export function openDetail(entry, entries) {
  around = entries;
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
    { class: "quiet" },
  );
  const body = make(
    "div",
    { class: `detail-body${ratio(entry) && ratio(entry) < 1 ? " tall" : ""}` },
    stage,
    make("div", { class: "detail-text" }, title, actions(entry), facts(entry)),
  );
  return [make("div", { class: "detail-bar" }, ...steps(entry), close), body];
}

function steps(entry) {
  const place = around.indexOf(entry);
  const step = (label, by) => {
    const next = around[place + by];
    const element = button(
      label,
      () => {
        openDetail(next, around);
        (
          find(`[data-by="${by}"]:not(:disabled)`, dialog) ?? find(".detail-bar button:last-child", dialog)
        ).focus();
      },
      { class: "quiet", "data-by": by },
    );
    element.disabled = place < 0 || !next;
    return element;
  };
  const where = place < 0 ? "" : `${number(place + 1)} of ${number(around.length)}`;
  return [step("Previous", -1), step("Next", 1), make("span", { class: "where" }, where)];
}

function actions(entry) {
  const row = make("p", { class: "actions" });
  if (entry.prompt) {
    row.append(copier("Copy prompt", entry.prompt));
  }
  if (entry.src && entry.status === "succeeded" && !entry.missing) {
    row.append(
      make("a", { href: entry.src, class: "quiet", target: "_blank", rel: "noopener" }, "Open the file"),
    );
  }
  return row;
}

export function copier(label, words) {
  return button(
    label,
    async () => {
      say((await copied(words)) ? "Copied." : "Copying is not allowed here: select the text instead.");
    },
    { class: "quiet" },
  );
}

// Outside a secure context there is no clipboard: a selection can still be copied.
async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const field = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    field.value = words;
    const before = document.activeElement;
    (dialog.open ? dialog : document.body).append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    before?.focus({ preventScroll: true });
    return done;
  }
}

function facts(entry) {
  const list = make("dl", { class: "facts" });
  const fact = (name, value) => {
    if (value !== undefined && value !== null && value !== "") {
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
  fact("Cost", entry.cost === undefined ? null : money(entry.cost));
  fact("At risk", entry.at_risk ? money(entry.at_risk) : null);
  fact("Took", entry.duration_s === undefined ? null : lasting(entry.duration_s));
  fact("Attempts", entry.attempts > 1 ? number(entry.attempts) : null);
  fact("Take", takeOf(entry));
  fact("Finished", entry.finished_at ? moment(entry.finished_at) : null);
  fact("File", entry.file);
  media(entry.media ?? {}, fact);
  fact("Size", entry.bytes === undefined ? null : size(entry.bytes));
  fact("HTTP status", entry.http_status === undefined ? null : String(entry.http_status));
  fact("Request", entry.request_id);
  fact("Task", entry.task);
  return list;
}

function media(found, fact) {
  const known = (value) => value !== undefined && value !== null;
  fact("Picture", known(found.width) ? `${found.width} × ${found.height}` : null);
  fact("Duration", known(found.duration_s) ? lasting(found.duration_s) : null);
  fact("Codec", found.codec);
  fact("Sound", known(found.audio) ? plain(found.audio) : null);
  fact("Content credentials", known(found.content_credentials) ? plain(found.content_credentials) : null);
}

function standing(entry) {
  const words = {
    changed: " · changed in the job since",
    former: " · no longer in the job",
    accepted: " · waiting at the provider",
    saved: " · not in place yet",
  };
  return words[entry.standing] ?? "";
}

export function takeOf(entry) {
  const group = posts.get(entry.post).filter((each) => each.group === entry.group);
  return group.length > 1 ? `${group.indexOf(entry) + 1} of ${group.length}` : null;
}

export function closeDetail() {
  if (dialog.open) {
    dialog.close();
  }
}
