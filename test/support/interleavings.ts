/**
 * Which of several interleavings happens is the machine's choice. A test that accepts more than one shows nothing of
 * those that did not happen, so it repeats its round until it has seen each.
 */

/**
 * @param expected every outcome that must be seen; one that is not listed fails the test.
 * @param round resolves with the outcomes that it saw; it gets its number, from 0, to shift its timing by.
 * @throws where an outcome has not been seen after `roundsMax` rounds.
 */
export async function untilEachIsSeen<Outcome extends string>(
  expected: readonly Outcome[],
  round: (number: number) => Promise<readonly Outcome[]>,
  roundsMax = 20,
): Promise<void> {
  const counts = new Map<Outcome, number>(expected.map((outcome) => [outcome, 0]));
  for (let number = 0; number < roundsMax; number += 1) {
    for (const outcome of await round(number)) {
      const count = counts.get(outcome);
      if (count === undefined) throw new Error(`The outcome "${outcome}" must not happen.`);
      counts.set(outcome, count + 1);
    }
    if ([...counts.values()].every((count) => count > 0)) return;
  }
  const seen = [...counts].map(([outcome, count]) => `"${outcome}" ${count} times`);
  throw new Error(`Not every outcome was seen in ${roundsMax} rounds: ${seen.join(', ')}.`);
}
