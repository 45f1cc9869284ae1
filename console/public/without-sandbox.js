/**
 * Leads from the page of Apollo Sandbox to the explorer where Sandbox cannot be loaded, as without the internet. The
 * page loads it first. A network that drops packets gives no error, so there is a bound as well.
 */
const LOAD_MAX_MS = 5_000;

function leave() {
  if (!('EmbeddedSandbox' in window)) location.replace('/console/explorer');
}

addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLScriptElement) leave();
  },
  true,
);
setTimeout(leave, LOAD_MAX_MS);
