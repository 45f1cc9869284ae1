/** For a bound of real time that a pause of the machine exceeds as well: a fault exceeds it each time. */

/** Whether one of so many attempts has held. None is made after it. */
export async function heldOnce(tries: number, attempt: () => Promise<boolean>): Promise<boolean> {
  for (let tried = 0; tried < tries; tried += 1) {
    if (await attempt()) return true;
  }
  return false;
}
