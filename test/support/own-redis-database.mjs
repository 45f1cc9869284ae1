/**
 * Gives the test files that run at the same time a database of Redis each: the servers of one file would hear what those
 * of another publish. Only at a Redis that the tests have brought.
 */
const { REDIS_URL, REDIS_IS_OURS, JEST_WORKER_ID } = process.env;

if (REDIS_IS_OURS === 'true') {
  const url = new URL(REDIS_URL);
  // As many as Redis has without being told otherwise.
  url.pathname = `/${Number(JEST_WORKER_ID) % 16}`;
  process.env.REDIS_URL = url.href;
}
