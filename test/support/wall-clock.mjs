/**
 * Gives a process a wall clock that `setWallClock` sets, as an administrator or NTP would. Loaded before any other
 * module, so that no module gets the real one. The monotonic clock stays as it is.
 */
const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + offsetMs);
    else super(...given);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

globalThis.setWallClock = (newOffsetMs) => {
  offsetMs = newOffsetMs;
};
