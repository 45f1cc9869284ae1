/** Tells what an abort has ended from what had failed before it. */

/** What fails after the signal fails with its reason: what is under way then fails of it, each in its own way. */
export async function interruptible<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
