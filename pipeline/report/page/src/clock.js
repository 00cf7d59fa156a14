// @ts-check
// One clock for several films: they start together, stay in step, and wait for one another.

/** @typedef {HTMLVideoElement | HTMLAudioElement} Player */

const FAR = 0.25; // seconds off: jump
const OFF = 0.012; // seconds off: go a little faster or slower
const USUAL_FRAME = 1 / 24;
const LAST_FRAME = 0.04; // seconds before the end, where every film still has a picture

export class Clock {
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
  #wanted = new WeakMap();
  loop = true;

  /** @param {() => void} changed called when the position or the state is another */
  constructor(changed) {
    this.changed = changed;
  }

  /** @param {Player} player */
  add(player) {
    this.#players.push(player);
    // A jump that was asked for meanwhile is made when the last one is done.
    player.addEventListener("seeked", () => {
      const wanted = this.#wanted.get(player);
      this.#wanted.delete(player);
      if (wanted !== undefined && Math.abs(player.currentTime - wanted) > 0.001) {
        this.#send(player, wanted);
      }
    });
    player.addEventListener("loadedmetadata", () => {
      this.#send(player, this.#position);
      this.changed();
    });
    if ("requestVideoFrameCallback" in player) {
      this.#watch(/** @type {HTMLVideoElement} */ (player));
    }
  }

  /** @param {Player} player */
  remove(player) {
    this.#players = this.#players.filter((each) => each !== player);
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
    return Math.max(0, ...this.#players.map((each) => (Number.isFinite(each.duration) ? each.duration : 0)));
  }

  get position() {
    const gone = this.#playing && !this.#held ? (performance.now() - this.#since) / 1000 : 0;
    return Math.min(this.#position + gone, this.length || Number.POSITIVE_INFINITY);
  }

  play() {
    if (this.length && this.#position >= this.length - LAST_FRAME) {
      this.#position = 0;
    }
    this.#playing = true;
    this.#since = performance.now();
    for (const player of this.#players) {
      this.#send(player, this.#position);
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
    for (const player of this.#players) {
      player.pause();
      player.playbackRate = 1;
      this.#send(player, this.#position);
    }
    this.changed();
  }

  /** @param {number} position in seconds */
  seek(position) {
    this.#position = Math.min(Math.max(0, position), this.length || Number.POSITIVE_INFINITY);
    this.#since = performance.now();
    for (const player of this.#players) {
      this.#send(player, this.#position);
    }
    this.changed();
  }

  /** @param {number} frames forward, or back where it is negative */
  step(frames) {
    this.pause();
    const frame = Number.isFinite(this.#frame) ? this.#frame : USUAL_FRAME;
    this.seek((Math.floor(this.#position / frame + 0.01) + frames) * frame + frame / 100);
  }

  close() {
    cancelAnimationFrame(this.#ticks);
    this.#playing = false;
    this.#players = [];
  }

  /** @param {Player} player @param {number} position */
  #send(player, position) {
    const target = Math.min(position, Math.max(0, (player.duration || 0) - LAST_FRAME));
    if (player.seeking) {
      this.#wanted.set(player, target);
    } else if (player.readyState > 0 && Math.abs(player.currentTime - target) > 0.001) {
      player.currentTime = target;
    }
  }

  #tick() {
    this.#ticks = requestAnimationFrame(() => {
      this.#hold();
      if (!this.#held) {
        if (this.length && this.position >= this.length) {
          this.#end();
        }
        for (const player of this.#players) {
          this.#keep(player);
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
      (each) =>
        !each.error &&
        !this.#over(each) &&
        (each.seeking || each.readyState < HTMLMediaElement.HAVE_FUTURE_DATA),
    );
    if (late !== this.#held) {
      this.#position = this.position;
      this.#since = performance.now();
      this.#held = late;
      for (const player of this.#players) {
        if (late) {
          player.pause();
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
  #over(player) {
    return player.duration > 0 && this.position >= player.duration - LAST_FRAME;
  }

  /** @param {Player} player */
  #keep(player) {
    if (!this.#playing || player.error) {
      return;
    }
    if (this.#over(player)) {
      player.pause();
      return;
    }
    if (player.paused && !player.seeking) {
      player.play().catch(() => {
        /* paused again before it began, or not to be played: its error says so */
      });
      return;
    }
    this.#mend(player, player.currentTime);
  }

  /** @param {Player} player @param {number} now where it is, in seconds */
  #mend(player, now) {
    const off = now - this.position;
    if (player.seeking) {
      return;
    }
    if (Math.abs(off) > FAR) {
      this.#send(player, this.position);
    }
    const rate = Math.abs(off) < OFF ? 1 : Math.min(1.15, Math.max(0.85, 1 - off));
    if (Math.abs(player.playbackRate - rate) > 0.005) {
      player.playbackRate = rate;
    }
  }

  // The frames tell how long one is, which no file says to a page.
  /** @param {HTMLVideoElement} player */
  #watch(player) {
    let last = -1;
    /** @param {number} _now @param {VideoFrameCallbackMetadata} frame */
    const seen = (_now, frame) => {
      const gap = frame.mediaTime - last;
      if (this.#playing && last >= 0 && gap > 0.008 && gap < Math.min(this.#frame, 0.25)) {
        this.#frame = gap;
      }
      last = this.#playing ? frame.mediaTime : -1;
      if (this.#players.includes(player)) {
        player.requestVideoFrameCallback(seen);
      }
    };
    player.requestVideoFrameCallback(seen);
  }
}
