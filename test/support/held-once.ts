/**
 * For what a pause of the machine spoils as well, above all a bound of real time. A fault of the product must spoil
 * each attempt, or it would be hidden.
 */

/** Whether one of so many attempts has held. None is made after it. */
export async function heldOnce(tries: number, attempt: () => Promise<boolean>): Promise<boolean> {
  for (let tried = 0; tried < tries; tried += 1) {
    if (await attempt()) return true;
  }
  return false;
}
