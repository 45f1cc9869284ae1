/** SQL for a table with the numbers from 0 to 99,999, as `n`: for shops that are filled by few statements. */
const DIGITS = Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ');

export const NUMBERS = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n
  FROM (${DIGITS}) AS a, (${DIGITS}) AS b, (${DIGITS}) AS c, (${DIGITS}) AS e, (${DIGITS}) AS f) AS numbers`;

/** On a slow disk as well, so many rows are written in less time than a connection may be silent. */
const ROWS_IN_STEP = 20_000;

/** The numbers below `count` in steps, each as a condition on `n`: a statement for each of them ends in time. */
export function numberSteps(count: number): readonly string[] {
  return Array.from({ length: Math.ceil(count / ROWS_IN_STEP) }, (_, step) => {
    const from = step * ROWS_IN_STEP;
    return `n >= ${from} AND n < ${Math.min(count, from + ROWS_IN_STEP)}`;
  });
}
