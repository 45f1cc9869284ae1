/**
 * Whether `stockade dev` serves the page, which alone has sales to try. The page itself tells: the build makes a form
 * of it without this element, which all other servers send. So no request is needed that they would refuse.
 */
export const hasSaleTrials = document.querySelector('meta[name="stockade-sales"]') !== null;
