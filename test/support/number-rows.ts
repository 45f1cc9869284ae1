/** SQL for a table with the numbers from 0 to 99,999, as `n`: for shops that are filled by one statement. */
const DIGITS = Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ');

export const NUMBERS = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n
  FROM (${DIGITS}) AS a, (${DIGITS}) AS b, (${DIGITS}) AS c, (${DIGITS}) AS e, (${DIGITS}) AS f) AS numbers`;
