/** Waits for something to become so, within a bound; a test that only slept would pass or fail by chance. */
const PATIENCE_MS = 30_000;
const POLL_INTERVAL_MS = 5;

/** @throws where it has not become so within the patience, naming it. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const giveUpMs = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > giveUpMs) throw new Error(`Never seen: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/** The promise's outcome. @throws where it has none within the patience: what must not hang gets a bound. */
export async function within<T>(patienceMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Not seen in ${patienceMs} ms: ${what}.`));
    }, patienceMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** For when real time itself has to pass, as it does beyond a time to live: never less, though a timer may be early. */
export async function pass(durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  for (let leftMs = durationMs; leftMs > 0; leftMs = endMs - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, leftMs));
  }
}
