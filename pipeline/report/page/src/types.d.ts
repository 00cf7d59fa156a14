// What Python puts into the page: see `pipeline/report/entries.py` and docs/reference/formats.md.

export type Word = "kept" | "rejected";

/** What a person said of the clip with this hash: a line of `verdicts.jsonl`. */
export interface Said {
  task: string;
  verdict: Word | null;
  note: string | null;
  sha256: string;
  by: string | null;
  at: string;
}

export interface Clip {
  src?: string;
  file?: string;
  kind?: "video" | "image" | "audio";
  sha256?: string;
  finished_at?: string;
  cost?: number;
  params: Record<string, unknown>;
  poster?: string;
  strip?: string;
  poster_w?: number;
  poster_h?: number;
  verdict?: Word;
  note?: string;
}

/** An earlier clip of a task, which lies in `superseded/`. */
export type Version = Clip;

export interface Entry extends Clip {
  task: string;
  status: "succeeded" | "failed" | "in_doubt" | "pending";
  prompt: string;
  model: string;
  /** The same for takes of one request. */
  group: string;
  /** The same for all ratios and takes of one prompt: the unit of a card. */
  post: string;
  own_id?: string;
  take?: number;
  values?: Record<string, unknown>;
  meta: Record<string, unknown>;
  publish?: string;
  channel?: string;
  caption?: string;
  campaign?: string;
  name?: string;
  bytes?: number;
  http_status?: number;
  attempts: number;
  at_risk?: number;
  request_id?: string;
  error?: string;
  duration_s?: number;
  standing?: "changed" | "former" | "accepted" | "saved";
  missing?: boolean;
  settled?: "found" | "billed" | "not_billed";
  media?: {
    width?: number;
    height?: number;
    duration_s?: number;
    codec?: string;
    audio?: boolean;
    content_credentials?: boolean;
  };
  flags?: string[];
  by?: string;
  at?: string;
  said_by_row?: boolean;
  versions?: Version[];
  words?: { what: string; todo?: string; command?: string };
  /** In a bundle: `src` is a smaller copy of the clip. */
  small?: boolean;
  /** Made by the page: width ÷ height as the first frame has shown it. */
  shape?: number;
  /** Made by the page: what the search looks through, in lower case. */
  text?: string;
}

export interface Totals {
  total: number;
  succeeded: number;
  failed: number;
  in_doubt: number;
  pending: number;
  accepted: number;
  saved: number;
  spent: number;
  at_risk: number;
  remaining_credits: number | null;
}

export interface JobData {
  name: string;
  /** Commands as they must be typed. */
  command: string;
  settle: string;
  again: string;
  import: string;
  export_ics: string;
  simulated: boolean;
  generated_at: string;
  /** Of the lines of a file of verdicts. */
  format: number;
  totals: Totals;
  /** Where `pipeline view` serves the page: what its addresses begin with. */
  live: { base: string; after?: string; jobs?: number } | null;
}

/** A command that the page has had started. `lines` are the last that it said, `code` is how it ended. */
export interface Action {
  id: string;
  what: string;
  running: boolean;
  code: number | null;
  lines: string[];
}

/** How the job stands, as `pipeline view` tells it. Money in US dollars, times in seconds. */
export interface State {
  running: boolean;
  state: "running" | "paused" | "waiting" | "stopping" | "ended";
  reason?: string | null;
  detail?: string | null;
  until?: number | null;
  concurrency?: number | null;
  rate?: string | null;
  budget?: number | null;
  in_flight: number;
  accepted: number;
  counts: { total: number; succeeded: number; failed: number; in_doubt: number; pending: number };
  spent: number;
  at_risk: number;
  remaining_credits: number | null;
  eta_s?: number | null;
  started_at?: string | null;
  now: number;
}

export interface Night {
  start: number;
  end: number;
  step: number;
  in_flight: number[];
  succeeded: number[];
  failed: number[];
  in_doubt: number[];
  balance: (number | null)[];
}
